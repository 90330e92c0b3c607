CREATE TABLE students (id @KEY, name VARCHAR(50), school VARCHAR(50), grade INTEGER);
INSERT INTO students (name, school, grade) VALUES ('Ann','North',9), ('Bob','South',10);
