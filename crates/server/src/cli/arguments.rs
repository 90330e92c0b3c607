use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// API management in one binary: gateway, control plane, key manager.
#[derive(Debug, Parser)]
#[command(name = "portcullis", disable_version_flag = true, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Start here: `portcullis quickstart` walks from an empty directory to a secured API call.")]
pub(crate) struct Arguments {
    /// Home directory of the installation: configuration, keys, database, logs.
    #[arg(long, global = true, value_name = "DIR", default_value = crate::home::DEFAULT_HOME)]
    pub(crate) home: PathBuf,
    /// How results are written to standard output.
    #[arg(long, short = 'o', global = true, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Formats of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text for people.
    Table,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes an installation: configuration, keys, database, set-up link. Completes a half-made one.
    Init,
    /// Runs the server until it is told to stop.
    Serve(ServeArguments),
    /// Walks from an empty directory to a secured API call, then keeps serving.
    Quickstart {
        /// Ends with status 0 after the call instead of serving on.
        #[arg(long)]
        exit: bool,
    },
    /// Checks, shows and documents the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Seals secrets of the configuration file.
    #[command(subcommand)]
    Vault(VaultCommand),
    /// Looks into keystores and certificates.
    #[command(subcommand)]
    Keystore(KeystoreCommand),
    /// Brings the database schema up to date.
    #[command(subcommand)]
    Db(DbCommand),
    /// Manages user accounts.
    #[command(subcommand)]
    User(UserCommand),
    /// Prints a new one-time link for choosing the first administrator; the one before stops working.
    SetupLink,
    /// Manages APIs of a running server.
    #[command(subcommand)]
    Api(ApiCommand),
    /// Gets an access token from a running server.
    Token(TokenArguments),
    /// Signs in to a server elsewhere and remembers it for `api` commands.
    Login(LoginArguments),
    /// Prints the version.
    Version,
    /// Prints a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Prints the manual page.
    Man,
    /// Prints a generated file of the project.
    #[command(hide = true)]
    Generate(GenerateArguments),
}

/// `serve`
#[derive(Args, Debug)]
pub(crate) struct ServeArguments {
    /// A second deployment.toml whose keys win over the first.
    #[arg(long, value_name = "FILE")]
    pub(crate) overlay: Option<PathBuf>,
}

/// `config`
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Reports every error and note of deployment.toml at once.
    Check {
        /// Another file than the one of the home directory.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// A second file whose keys win.
        #[arg(long, value_name = "FILE")]
        overlay: Option<PathBuf>,
    },
    /// Lists each setting with its value and where it comes from. Secrets are shown as references.
    Show {
        /// A second file whose keys win.
        #[arg(long, value_name = "FILE")]
        overlay: Option<PathBuf>,
    },
    /// Prints the reference page of all settings.
    Docs,
    /// Prints the JSON Schema of deployment.toml.
    Schema,
}

/// `vault`
#[derive(Debug, Subcommand)]
pub(crate) enum VaultCommand {
    /// Seals every plain value of the section `secrets` in place; comments and layout stay.
    Encrypt {
        /// Also adds this alias; its value is read from standard input, or from a file.
        #[arg(long, value_name = "ALIAS")]
        alias: Option<String>,
        /// File that holds the value of the alias.
        #[arg(long, value_name = "FILE", requires = "alias")]
        value_file: Option<PathBuf>,
    },
    /// Makes a new vault key and seals every secret again under it.
    Rotate {
        /// Changes the master key instead, which locks the keyring; what is sealed stays as it is.
        #[arg(long)]
        master: bool,
        /// File that holds the new master key or passphrase; else standard input. Not for a key in a file, which is
        /// generated.
        #[arg(long, value_name = "FILE", requires = "master")]
        value_file: Option<PathBuf>,
    },
    /// Lists aliases with the version of the key that sealed them. Never a value.
    List,
}

/// `keystore`
#[derive(Debug, Subcommand)]
pub(crate) enum KeystoreCommand {
    /// Lists entries of a keystore, or of the installation's own keys.
    List {
        /// A PEM, PKCS#12, JKS or JCEKS file.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// File that holds the keystore's password.
        #[arg(long, value_name = "FILE", requires = "file")]
        password_file: Option<PathBuf>,
    },
    /// Applies the certificate rules (guideline A02).
    Check {
        /// A PEM, PKCS#12, JKS or JCEKS file.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// File that holds the keystore's password.
        #[arg(long, value_name = "FILE", requires = "file")]
        password_file: Option<PathBuf>,
    },
    /// Makes a new key and certificate for the TLS listeners, signed by the installation's own authority.
    Generate,
    /// Prints the certificate authority that clients need to trust.
    ExportCa,
}

/// `db`
#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Applies pending migrations. PostgreSQL: as the owner role, before the server starts.
    Migrate {
        /// URL of the database with the owner role; without it, the one of the configuration. PostgreSQL only.
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        /// Owner role. PostgreSQL only.
        #[arg(long, value_name = "ROLE")]
        username: Option<String>,
        /// File that holds the owner role's password; else the environment variable PORTCULLIS_DB_OWNER_PASSWORD.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Shows the version of the schema and what is pending.
    Status,
}

/// `user`
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Adds a user. The password is read from standard input, or from a file.
    Add {
        /// User name.
        name: String,
        /// Role; repeat for more. `admin` makes an administrator.
        #[arg(long, value_name = "ROLE")]
        role: Vec<String>,
        /// File that holds the password.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// Tenant domain.
        #[arg(long, value_name = "DOMAIN", default_value = "carbon.super")]
        tenant: String,
    },
    /// Lists users.
    List {
        /// Tenant domain.
        #[arg(long, value_name = "DOMAIN", default_value = "carbon.super")]
        tenant: String,
    },
    /// Locks an account; its tokens stop working.
    Lock {
        /// User name.
        name: String,
        /// Tenant domain.
        #[arg(long, value_name = "DOMAIN", default_value = "carbon.super")]
        tenant: String,
    },
    /// Unlocks an account.
    Unlock {
        /// User name.
        name: String,
        /// Tenant domain.
        #[arg(long, value_name = "DOMAIN", default_value = "carbon.super")]
        tenant: String,
    },
    /// Sets a new password, read from standard input or a file; tokens of the account stop working.
    ResetPassword {
        /// User name.
        name: String,
        /// File that holds the password.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// Tenant domain.
        #[arg(long, value_name = "DOMAIN", default_value = "carbon.super")]
        tenant: String,
    },
}

/// `api`
#[derive(Debug, Subcommand)]
pub(crate) enum ApiCommand {
    /// Lists APIs.
    List {
        /// WSO2's search syntax, as in `name:Pizza` or `status:PUBLISHED`.
        #[arg(long, value_name = "QUERY", default_value = "")]
        query: String,
    },
    /// Imports an OpenAPI or Swagger file, or an apictl project (folder or zip).
    Import(ImportArguments),
    /// Exports an API as an apictl project.
    Export {
        /// Name.
        #[arg(long)]
        name: String,
        /// Version.
        #[arg(long)]
        version: String,
        /// File to write; standard output without it.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Publishes an API: makes a revision, deploys it, changes the lifecycle state.
    Publish {
        /// Name.
        #[arg(long)]
        name: String,
        /// Version.
        #[arg(long)]
        version: String,
    },
    /// Deletes an API.
    Delete {
        /// Name.
        #[arg(long)]
        name: String,
        /// Version.
        #[arg(long)]
        version: String,
    },
}

/// `api import`
#[derive(Args, Debug)]
pub(crate) struct ImportArguments {
    /// OpenAPI/Swagger file (YAML or JSON), apictl folder, or zip of one.
    #[arg(long, value_name = "PATH")]
    pub(crate) file: PathBuf,
    /// Replaces an API of the same name and version.
    #[arg(long)]
    pub(crate) update: bool,
    /// Publishes it afterwards.
    #[arg(long)]
    pub(crate) publish: bool,
    /// Name, for a definition; else its title.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Version, for a definition; else the one it states.
    #[arg(long)]
    pub(crate) version: Option<String>,
    /// Context, for a definition, as in `/pizza`; else made of the name.
    #[arg(long)]
    pub(crate) context: Option<String>,
    /// Upstream URL; else the first server of a definition, or the endpoints of a project.
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
}

/// `token`
#[derive(Args, Debug)]
pub(crate) struct TokenArguments {
    /// Consumer key of an application.
    #[arg(long, value_name = "KEY")]
    pub(crate) client_id: String,
    /// File that holds the consumer secret; else standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// Scope; repeat for more.
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Vec<String>,
}

/// `login`
#[derive(Args, Debug)]
pub(crate) struct LoginArguments {
    /// The server, as in `https://api.example.com:9443`.
    pub(crate) url: String,
    /// User name.
    #[arg(long, value_name = "NAME")]
    pub(crate) username: String,
    /// File that holds the password; else standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Certificate authority (PEM) of the server, when it is not a public one.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}

/// `generate`
#[derive(Args, Debug)]
pub(crate) struct GenerateArguments {
    /// What to print.
    pub(crate) what: String,
}

#[cfg(test)]
mod tests {
    use super::Arguments;
    use clap::CommandFactory as _;

    #[test]
    fn the_grammar_has_no_contradictions() {
        Arguments::command().debug_assert();
    }
}
