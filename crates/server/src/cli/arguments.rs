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
    /// Checks Synapse artifacts and runs their unit tests.
    #[command(subcommand)]
    Integrator(IntegratorCommand),
    /// Seals secrets of the configuration file.
    #[command(subcommand)]
    Vault(VaultCommand),
    /// Looks into keystores and certificates.
    #[command(subcommand)]
    Keystore(KeystoreCommand),
    /// Brings the database schema up to date.
    #[command(subcommand)]
    Db(DbCommand),
    /// Looks whether every security guideline holds; changes nothing.
    Audit(AuditArguments),
    /// Verifies and prints the audit log: every change by people and systems.
    #[command(subcommand)]
    AuditLog(AuditLogCommand),
    /// Writes a configuration for Portcullis from the home of a WSO2 product, and lists what cannot be carried over.
    Migrate(MigrateArguments),
    /// Manages user accounts.
    #[command(subcommand)]
    User(UserCommand),
    /// Makes, lists and tries backups.
    #[command(subcommand)]
    Backup(BackupCommand),
    /// Looks whether a backup can be restored, or restores it.
    Restore(RestoreArguments),
    /// Looks for signed updates, installs them, and takes them back.
    #[command(subcommand)]
    Update(UpdateCommand),
    /// Prints files that harden the machine around this installation, made from its configuration.
    Harden(HardenArguments),
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
    Version {
        /// Print the parts that the program is made of instead, as CycloneDX 1.6 in JSON.
        #[arg(long)]
        sbom: bool,
    },
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

/// `integrator`
#[derive(Debug, Subcommand)]
pub(crate) enum IntegratorCommand {
    /// Says of each artifact whether it loads, and why not: with line, mediator and what to do.
    Check {
        /// An artifact, a Carbon application (.car), or a folder of them.
        path: PathBuf,
        /// Writes JSON: loaded, refused, and each artifact with path, kind, status and reasons.
        #[arg(long)]
        json: bool,
    },
    /// Serves a folder of artifacts on this machine, and deploys what changes in it. For development: plain HTTP on
    /// loopback, no home directory.
    Run {
        /// A project, a folder of artifacts, or a Carbon application (.car).
        path: PathBuf,
        /// Port.
        #[arg(long, default_value_t = 8290)]
        port: u16,
    },
    /// Puts a Carbon application (.car) into the home directory; a running server deploys it within seconds.
    Deploy {
        /// The application. One with the same name of the file is replaced.
        file: PathBuf,
    },
    /// Removes a Carbon application from the home directory; a running server undeploys it within seconds.
    Undeploy {
        /// Name of its file.
        name: String,
    },
    /// Lists what the home directory holds, with what is refused and why.
    List,
    /// Runs unit-test suites with their mock services.
    Test {
        /// A suite, or a folder with projects that hold some.
        path: PathBuf,
        /// Also writes the results as JUnit's XML.
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
        /// A mock service beside those of the suites; repeat for more.
        #[arg(long, value_name = "FILE")]
        mock: Vec<PathBuf>,
        /// Writes JSON.
        #[arg(long)]
        json: bool,
    },
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
    /// Makes a new vault key and seals every secret again under it, in deployment.toml and in the database; servers may go on
    /// serving.
    Rotate {
        /// Changes the master key instead, which locks the keyring; what is sealed stays as it is.
        #[arg(long)]
        master: bool,
        /// File that holds the new master key or passphrase; else standard input. Not for a key in a file, which is
        /// generated.
        #[arg(long, value_name = "FILE", requires = "master")]
        value_file: Option<PathBuf>,
    },
    /// Goes on where `rotate` was interrupted: seals again what older keys sealed in the database.
    Reseal,
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

/// `audit-log`
#[derive(Debug, Subcommand)]
pub(crate) enum AuditLogCommand {
    /// Looks whether any record was changed, removed, put in between or cut off; names the first.
    Verify,
    /// Prints the records as JSON lines, oldest first.
    Export {
        /// Only records with a larger number.
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        after: i64,
    },
    /// Prints the last records as JSON lines.
    Tail {
        /// How many.
        #[arg(long, short = 'n', value_name = "RECORDS", default_value_t = 20)]
        records: u32,
        /// Go on with what is written from now on.
        #[arg(long, short)]
        follow: bool,
    },
}

/// `backup`
#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// Makes a backup now; the server may be running.
    Create,
    /// Lists the backups, oldest first.
    List,
    /// Makes a backup, restores it in a scratch directory and looks whether everything is there.
    Drill,
}

/// `restore`
#[derive(Args, Debug)]
pub(crate) struct RestoreArguments {
    /// The backup.
    pub(crate) file: PathBuf,
    /// Only looks whether it could be restored; nothing is changed.
    #[arg(long)]
    pub(crate) verify: bool,
    /// File that holds the master key of the vault; else the one that the installation in --home uses.
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    pub(crate) master_key_file: Option<PathBuf>,
    /// File that holds the passphrase of the vault.
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Owner role, to put rows back into PostgreSQL. Every row that is there is replaced.
    #[arg(long, value_name = "ROLE")]
    pub(crate) username: Option<String>,
    /// File that holds the owner role's password; else the environment variable PORTCULLIS_DB_OWNER_PASSWORD.
    #[arg(long, value_name = "FILE", requires = "username")]
    pub(crate) password_file: Option<PathBuf>,
}

/// `update`
#[derive(Debug, Subcommand)]
pub(crate) enum UpdateCommand {
    /// Verifies the repository of updates, puts its advisories into the home, and says whether there is a newer program.
    Check {
        /// Another repository than that of `[updates]`: an https URL or a folder.
        #[arg(long, value_name = "PLACE")]
        repository: Option<String>,
    },
    /// Fetches the newest program, tries it, and puts it into the place of the installed one, which is kept.
    Apply {
        /// Another repository than that of `[updates]`: an https URL or a folder.
        #[arg(long, value_name = "PLACE")]
        repository: Option<String>,
        /// How and what is exchanged.
        #[command(flatten)]
        how: UpdateArguments,
    },
    /// Puts the program before the last update back.
    Rollback {
        /// How and what is exchanged.
        #[command(flatten)]
        how: UpdateArguments,
    },
}

/// What `update apply` and `update rollback` take.
#[derive(Args, Debug)]
pub(crate) struct UpdateArguments {
    /// Command that restarts the service, without a shell, as in "systemctl restart portcullis". After an update the new program
    /// has to serve; if it does not, the old one is put back and restarted.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) restart: Option<String>,
    /// How long the restarted program may take until it serves, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) wait: u64,
    /// The installed program; without it, this one.
    #[arg(long, value_name = "FILE")]
    pub(crate) program: Option<PathBuf>,
}

/// `harden`
#[derive(Args, Debug)]
pub(crate) struct HardenArguments {
    /// What to print.
    pub(crate) what: Hardening,
}

/// What `harden` can print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Hardening {
    /// A unit for systemd.
    Systemd,
    /// A rule set for nftables.
    Nftables,
    /// A Containerfile and the command that runs it.
    Container,
    /// Manifests for Kubernetes.
    Kubernetes,
    /// A profile for AppArmor.
    Apparmor,
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
    /// Lists users: those of the embedded store and who has signed in from a directory, or everybody in a directory.
    List {
        /// Domain of a directory; PRIMARY for the one without a domain.
        #[arg(long, value_name = "DOMAIN", conflicts_with = "tenant")]
        store: Option<String>,
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
    /// Removes the second factor of somebody who lost app and recovery codes; their sessions end.
    ResetSecondFactor {
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

/// `audit`
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct AuditArguments {
    /// What else to do.
    #[command(subcommand)]
    pub(crate) command: Option<AuditCommand>,
    /// Files and configuration only: no network, no database, no look at the host.
    #[arg(long = "static")]
    pub(crate) files_only: bool,
    /// Guideline or check to look at, as in `A08` or `A08.1`; repeat for more.
    #[arg(long, value_name = "ID")]
    pub(crate) only: Vec<String>,
    /// Form of the report.
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub(crate) format: AuditFormat,
    /// File to write the report to, with its signature beside it; standard output without it.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Audits the home of a WSO2 product instead.
    #[arg(long, value_name = "DIR")]
    pub(crate) wso2_home: Option<PathBuf>,
    /// File with a password that may open key stores of that home.
    #[arg(long, value_name = "FILE", requires = "wso2_home")]
    pub(crate) password_file: Option<PathBuf>,
    /// Fails when a `should` check fails too.
    #[arg(long)]
    pub(crate) strict: bool,
}

/// `audit ...`
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Compares two reports in JSON; without names the last two that were kept.
    Diff {
        /// The older report.
        #[arg(requires = "after")]
        before: Option<PathBuf>,
        /// The newer report.
        after: Option<PathBuf>,
    },
    /// Lists the reports that were kept, oldest first.
    History,
    /// Accepts a finding until a day.
    Waive(Accept),
    /// Vouches until a day for what a program cannot see.
    Attest(Accept),
    /// Looks whether a report is as this installation signed it.
    Verify {
        /// The report.
        file: PathBuf,
        /// Its signature; without it the file with `.jws` added.
        #[arg(long, value_name = "FILE")]
        signature: Option<PathBuf>,
        /// Public keys (JWKS) of the installation that signed it; without it those of this one.
        #[arg(long, value_name = "FILE")]
        jwks: Option<PathBuf>,
    },
}

/// `audit waive`, `audit attest`
#[derive(Args, Debug)]
pub(crate) struct Accept {
    /// Check, or for `waive` also guideline, as in `A04.1` or `A04`.
    pub(crate) id: String,
    /// Who answers for it.
    #[arg(long, value_name = "NAME")]
    pub(crate) owner: String,
    /// Why, and where it is written down.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Last day, as in `2027-01-31`.
    #[arg(long, value_name = "DATE")]
    pub(crate) expires: String,
    /// With `waive`: only findings whose place contains this text.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) scope: String,
}

/// Forms of an audit's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuditFormat {
    /// For a terminal.
    Text,
    /// JSON, by schema/audit-report.schema.json.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// JUnit XML.
    Junit,
    /// One page without scripts.
    Html,
    /// OSCAL assessment results, JSON.
    Oscal,
}

/// `migrate`
#[derive(Args, Debug)]
pub(crate) struct MigrateArguments {
    /// Home directory of the WSO2 product.
    #[arg(long, value_name = "DIR")]
    pub(crate) wso2_home: PathBuf,
    /// New directory for what is written.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// File with a password that may open its key stores.
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
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
