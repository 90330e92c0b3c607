-- What full-text search looks through: who may find a document by it, and its name, summary and text in lower case.
ALTER TABLE api_document ADD COLUMN audience TEXT NOT NULL DEFAULT 'nobody';
ALTER TABLE api_document ADD COLUMN words TEXT NOT NULL DEFAULT '';
