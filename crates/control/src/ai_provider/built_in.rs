//! The vendors whose language models can be offered from the start (WSO2: AI service providers with built-in support).

use serde_json::{Map, Value, json};

/// One vendor's API.
struct BuiltIn {
    /// Stays the same in every installation.
    id: &'static str,
    name: &'static str,
    version: &'static str,
    description: &'static str,
    server: &'static str,
    /// Path, operation id and summary of what can be called; all are `POST` with JSON.
    operations: &'static [(&'static str, &'static str, &'static str)],
    /// Header that carries the vendor's key, with what stands before the key.
    header: (&'static str, &'static str),
    /// Where answers tell the tokens of question and answer, and both together; empty where they do not.
    usage: [&'static str; 3],
    models: &'static [&'static str],
}

const PROVIDERS: [BuiltIn; 5] = [
    BuiltIn {
        id: "6f1c8a52-0d2e-4c1b-9a52-7e0d5b1c0a01",
        name: "OpenAI",
        version: "1.0.0",
        description: "Chat completions and embeddings of OpenAI, and of servers that speak its API.",
        server: "https://api.openai.com/v1",
        operations: &[
            ("/chat/completions", "createChatCompletion", "Answer a conversation"),
            ("/embeddings", "createEmbedding", "Turn text into a vector"),
        ],
        header: ("Authorization", "Bearer "),
        usage: ["$.usage.prompt_tokens", "$.usage.completion_tokens", "$.usage.total_tokens"],
        models: &["gpt-4o", "gpt-4o-mini"],
    },
    BuiltIn {
        id: "6f1c8a52-0d2e-4c1b-9a52-7e0d5b1c0a02",
        name: "MistralAI",
        version: "1.0.0",
        description: "Chat completions and embeddings of Mistral AI.",
        server: "https://api.mistral.ai",
        operations: &[
            ("/v1/chat/completions", "createChatCompletion", "Answer a conversation"),
            ("/v1/embeddings", "createEmbedding", "Turn text into a vector"),
        ],
        header: ("Authorization", "Bearer "),
        usage: ["$.usage.prompt_tokens", "$.usage.completion_tokens", "$.usage.total_tokens"],
        models: &["mistral-small-latest", "mistral-large-latest"],
    },
    BuiltIn {
        id: "6f1c8a52-0d2e-4c1b-9a52-7e0d5b1c0a05",
        name: "AzureOpenAI",
        version: "1.0.0",
        description: "Models of OpenAI on Azure; each deployment has an address of its own.",
        server: "https://resource.openai.azure.com",
        operations: &[
            ("/openai/deployments/{deployment}/chat/completions", "createChatCompletion", "Answer a conversation"),
            ("/openai/deployments/{deployment}/embeddings", "createEmbedding", "Turn text into a vector"),
        ],
        header: ("api-key", ""),
        usage: ["$.usage.prompt_tokens", "$.usage.completion_tokens", "$.usage.total_tokens"],
        models: &["gpt-4o", "gpt-4o-mini"],
    },
    BuiltIn {
        id: "6f1c8a52-0d2e-4c1b-9a52-7e0d5b1c0a03",
        name: "Anthropic",
        version: "1.0.0",
        description: "Messages of Anthropic.",
        server: "https://api.anthropic.com",
        operations: &[("/v1/messages", "createMessage", "Answer a conversation")],
        header: ("x-api-key", ""),
        usage: ["$.usage.input_tokens", "$.usage.output_tokens", ""],
        models: &["claude-sonnet-4-5", "claude-haiku-4-5"],
    },
    BuiltIn {
        id: "6f1c8a52-0d2e-4c1b-9a52-7e0d5b1c0a04",
        name: "Gemini",
        version: "1.1.0",
        description: "Content generation of Google's Gemini models.",
        server: "https://generativelanguage.googleapis.com",
        operations: &[(
            "/v1beta/models/{modelAndMethod}",
            "callModel",
            "Call a model; the last segment is model and method, as in gemini-1.5-flash:generateContent",
        )],
        header: ("x-goog-api-key", ""),
        usage: [
            "$.usageMetadata.promptTokenCount",
            "$.usageMetadata.candidatesTokenCount",
            "$.usageMetadata.totalTokenCount",
        ],
        models: &["gemini-1.5-flash", "gemini-1.5-pro"],
    },
];

/// All of them, as providers that were added are kept.
pub(super) fn all() -> Vec<Value> {
    PROVIDERS.iter().map(BuiltIn::document).collect()
}

/// The one with an id.
pub(super) fn find(id: &str) -> Option<Value> {
    PROVIDERS.iter().find(|provider| provider.id == id).map(BuiltIn::document)
}

impl BuiltIn {
    fn document(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "apiVersion": self.version,
            "builtInSupport": true,
            "multipleModelProviderSupport": false,
            "description": self.description,
            "configurations": self.configurations().to_string(),
            "apiDefinition": self.definition().to_string(),
            "modelProviders": [{"name": self.name, "models": self.models}],
            "deprecated": false,
        })
    }

    fn configurations(&self) -> Value {
        let [prompt, completion, total] = self.usage;
        let attributes = [
            ("requestModel", "$.model"),
            ("promptTokenCount", prompt),
            ("completionTokenCount", completion),
            ("totalTokenCount", total),
        ];
        let metadata: Vec<Value> = attributes
            .iter()
            .filter(|(_, place)| !place.is_empty())
            .map(|(name, place)| {
                let required = *name != "requestModel";
                json!({"attributeName": name, "inputSource": "payload", "attributeIdentifier": place, "required": required})
            })
            .collect();
        let (header, prefix) = self.header;
        json!({
            "connectorType": format!("{}_{}", self.name, self.version),
            "authenticationConfiguration": {
                "enabled": true,
                "type": "apikey",
                "parameters": {"headerName": header, "headerValuePrefix": prefix, "headerEnabled": true},
            },
            "metadata": metadata,
        })
    }

    fn definition(&self) -> Value {
        let mut paths = Map::new();
        for (path, id, summary) in self.operations {
            let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
            let parameters: Vec<Value> = names
                .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
                .collect();
            let content = json!({"application/json": {"schema": {"type": "object"}}});
            let operation = json!({
                "operationId": id,
                "summary": summary,
                "parameters": parameters,
                "requestBody": {"required": true, "content": content},
                "responses": {"200": {"description": "The model's answer", "content": content}},
            });
            paths.insert((*path).to_owned(), json!({"post": operation}));
        }
        json!({
            "openapi": "3.0.1",
            "info": {"title": self.name, "version": self.version, "description": self.description},
            "servers": [{"url": self.server}],
            "paths": paths,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{PROVIDERS, all, find};
    use crate::definition::OpenApi;
    use crate::field::Field;

    #[test]
    fn every_built_in_definition_can_be_imported() {
        for provider in all() {
            let text = provider.at("apiDefinition").as_str().unwrap();
            assert!(OpenApi::parse(text.as_bytes()).is_ok(), "{text}");
            let id = provider.at("id").as_str().unwrap();
            assert_eq!(find(id).as_ref(), Some(&provider));
        }
        let mut ids: Vec<&str> = PROVIDERS.iter().map(|provider| provider.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), PROVIDERS.len());
    }
}
