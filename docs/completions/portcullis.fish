# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_portcullis_global_optspecs
    string join \n home= o/output= h/help
end

function __fish_portcullis_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_portcullis_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_portcullis_using_subcommand
    set -l cmd (__fish_portcullis_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c portcullis -n "__fish_portcullis_needs_command" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_needs_command" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "init" -d 'Makes an installation: configuration, keys, database, set-up link. Completes a half-made one'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "serve" -d 'Runs the server until it is told to stop'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "quickstart" -d 'Walks from an empty directory to a secured API call, then keeps serving'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "config" -d 'Checks, shows and documents the configuration'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "integrator" -d 'Checks Synapse artifacts and runs their unit tests'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "vault" -d 'Seals secrets of the configuration file'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "keystore" -d 'Looks into keystores and certificates'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "db" -d 'Brings the database schema up to date'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "audit" -d 'Looks whether every security guideline holds; changes nothing'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "audit-log" -d 'Verifies and prints the audit log: every change by people and systems'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "migrate" -d 'Writes a configuration for Portcullis from the home of a WSO2 product, and lists what cannot be carried over'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "user" -d 'Manages user accounts'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "backup" -d 'Makes, lists and tries backups'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "restore" -d 'Looks whether a backup can be restored, or restores it'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "update" -d 'Looks for signed updates, installs them, and takes them back'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "harden" -d 'Prints files that harden the machine around this installation, made from its configuration'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "setup-link" -d 'Prints a new one-time link for choosing the first administrator; the one before stops working'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "api" -d 'Manages APIs of a running server'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "token" -d 'Gets an access token from a running server'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "login" -d 'Signs in to a server elsewhere and remembers it for `api` commands'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "version" -d 'Prints the version'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "completions" -d 'Prints a completion script for a shell'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "man" -d 'Prints the manual page'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "generate" -d 'Prints a generated file of the project'
complete -c portcullis -n "__fish_portcullis_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand init" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand init" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand serve" -l overlay -d 'A second deployment.toml whose keys win over the first' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand serve" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand serve" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand quickstart" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand quickstart" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand quickstart" -l exit -d 'Ends with status 0 after the call instead of serving on'
complete -c portcullis -n "__fish_portcullis_using_subcommand quickstart" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and not __fish_seen_subcommand_from check show docs schema help" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and not __fish_seen_subcommand_from check show docs schema help" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and not __fish_seen_subcommand_from check show docs schema help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and not __fish_seen_subcommand_from check show docs schema help" -f -a "check" -d 'Reports every error and note of deployment.toml at once'
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and not __fish_seen_subcommand_from check show docs schema help" -f -a "show" -d 'Lists each setting with its value and where it comes from. Secrets are shown as references'
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and not __fish_seen_subcommand_from check show docs schema help" -f -a "docs" -d 'Prints the reference page of all settings'
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and not __fish_seen_subcommand_from check show docs schema help" -f -a "schema" -d 'Prints the JSON Schema of deployment.toml'
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and not __fish_seen_subcommand_from check show docs schema help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and __fish_seen_subcommand_from check" -l file -d 'Another file than the one of the home directory' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and __fish_seen_subcommand_from check" -l overlay -d 'A second file whose keys win' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and __fish_seen_subcommand_from check" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and __fish_seen_subcommand_from check" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and __fish_seen_subcommand_from show" -l overlay -d 'A second file whose keys win' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and __fish_seen_subcommand_from show" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and __fish_seen_subcommand_from show" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and __fish_seen_subcommand_from docs" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and __fish_seen_subcommand_from docs" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and __fish_seen_subcommand_from docs" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and __fish_seen_subcommand_from schema" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and __fish_seen_subcommand_from schema" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and __fish_seen_subcommand_from schema" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "check" -d 'Reports every error and note of deployment.toml at once'
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "show" -d 'Lists each setting with its value and where it comes from. Secrets are shown as references'
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "docs" -d 'Prints the reference page of all settings'
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "schema" -d 'Prints the JSON Schema of deployment.toml'
complete -c portcullis -n "__fish_portcullis_using_subcommand config; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and not __fish_seen_subcommand_from check run deploy undeploy list test help" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and not __fish_seen_subcommand_from check run deploy undeploy list test help" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and not __fish_seen_subcommand_from check run deploy undeploy list test help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and not __fish_seen_subcommand_from check run deploy undeploy list test help" -f -a "check" -d 'Says of each artifact whether it loads, and why not: with line, mediator and what to do'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and not __fish_seen_subcommand_from check run deploy undeploy list test help" -f -a "run" -d 'Serves a folder of artifacts on this machine, and deploys what changes in it. For development: plain HTTP on loopback, no home directory'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and not __fish_seen_subcommand_from check run deploy undeploy list test help" -f -a "deploy" -d 'Puts a Carbon application (.car) into the home directory; a running server deploys it within seconds'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and not __fish_seen_subcommand_from check run deploy undeploy list test help" -f -a "undeploy" -d 'Removes a Carbon application from the home directory; a running server undeploys it within seconds'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and not __fish_seen_subcommand_from check run deploy undeploy list test help" -f -a "list" -d 'Lists what the home directory holds, with what is refused and why'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and not __fish_seen_subcommand_from check run deploy undeploy list test help" -f -a "test" -d 'Runs unit-test suites with their mock services'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and not __fish_seen_subcommand_from check run deploy undeploy list test help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from check" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from check" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from check" -l json -d 'Writes JSON: loaded, refused, and each artifact with path, kind, status and reasons'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from run" -l port -d 'Port' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from run" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from run" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from deploy" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from deploy" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from deploy" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from undeploy" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from undeploy" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from undeploy" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from list" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from list" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from test" -l junit -d 'Also writes the results as JUnit\'s XML' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from test" -l mock -d 'A mock service beside those of the suites; repeat for more' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from test" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from test" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from test" -l json -d 'Writes JSON'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from help" -f -a "check" -d 'Says of each artifact whether it loads, and why not: with line, mediator and what to do'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from help" -f -a "run" -d 'Serves a folder of artifacts on this machine, and deploys what changes in it. For development: plain HTTP on loopback, no home directory'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from help" -f -a "deploy" -d 'Puts a Carbon application (.car) into the home directory; a running server deploys it within seconds'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from help" -f -a "undeploy" -d 'Removes a Carbon application from the home directory; a running server undeploys it within seconds'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from help" -f -a "list" -d 'Lists what the home directory holds, with what is refused and why'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from help" -f -a "test" -d 'Runs unit-test suites with their mock services'
complete -c portcullis -n "__fish_portcullis_using_subcommand integrator; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and not __fish_seen_subcommand_from encrypt rotate reseal list help" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and not __fish_seen_subcommand_from encrypt rotate reseal list help" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and not __fish_seen_subcommand_from encrypt rotate reseal list help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and not __fish_seen_subcommand_from encrypt rotate reseal list help" -f -a "encrypt" -d 'Seals every plain value of the section `secrets` in place; comments and layout stay'
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and not __fish_seen_subcommand_from encrypt rotate reseal list help" -f -a "rotate" -d 'Makes a new vault key and seals every secret again under it, in deployment.toml and in the database; servers may go on serving'
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and not __fish_seen_subcommand_from encrypt rotate reseal list help" -f -a "reseal" -d 'Goes on where `rotate` was interrupted: seals again what older keys sealed in the database'
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and not __fish_seen_subcommand_from encrypt rotate reseal list help" -f -a "list" -d 'Lists aliases with the version of the key that sealed them. Never a value'
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and not __fish_seen_subcommand_from encrypt rotate reseal list help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and __fish_seen_subcommand_from encrypt" -l alias -d 'Also adds this alias; its value is read from standard input, or from a file' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and __fish_seen_subcommand_from encrypt" -l value-file -d 'File that holds the value of the alias' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and __fish_seen_subcommand_from encrypt" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and __fish_seen_subcommand_from encrypt" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and __fish_seen_subcommand_from encrypt" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and __fish_seen_subcommand_from rotate" -l value-file -d 'File that holds the new master key or passphrase; else standard input. Not for a key in a file, which is generated' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and __fish_seen_subcommand_from rotate" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and __fish_seen_subcommand_from rotate" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and __fish_seen_subcommand_from rotate" -l master -d 'Changes the master key instead, which locks the keyring; what is sealed stays as it is'
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and __fish_seen_subcommand_from rotate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and __fish_seen_subcommand_from reseal" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and __fish_seen_subcommand_from reseal" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and __fish_seen_subcommand_from reseal" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and __fish_seen_subcommand_from list" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and __fish_seen_subcommand_from list" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and __fish_seen_subcommand_from help" -f -a "encrypt" -d 'Seals every plain value of the section `secrets` in place; comments and layout stay'
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and __fish_seen_subcommand_from help" -f -a "rotate" -d 'Makes a new vault key and seals every secret again under it, in deployment.toml and in the database; servers may go on serving'
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and __fish_seen_subcommand_from help" -f -a "reseal" -d 'Goes on where `rotate` was interrupted: seals again what older keys sealed in the database'
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and __fish_seen_subcommand_from help" -f -a "list" -d 'Lists aliases with the version of the key that sealed them. Never a value'
complete -c portcullis -n "__fish_portcullis_using_subcommand vault; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and not __fish_seen_subcommand_from list check generate export-ca help" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and not __fish_seen_subcommand_from list check generate export-ca help" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and not __fish_seen_subcommand_from list check generate export-ca help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and not __fish_seen_subcommand_from list check generate export-ca help" -f -a "list" -d 'Lists entries of a keystore, or of the installation\'s own keys'
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and not __fish_seen_subcommand_from list check generate export-ca help" -f -a "check" -d 'Applies the certificate rules (guideline A02)'
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and not __fish_seen_subcommand_from list check generate export-ca help" -f -a "generate" -d 'Makes a new key and certificate for the TLS listeners, signed by the installation\'s own authority'
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and not __fish_seen_subcommand_from list check generate export-ca help" -f -a "export-ca" -d 'Prints the certificate authority that clients need to trust'
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and not __fish_seen_subcommand_from list check generate export-ca help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and __fish_seen_subcommand_from list" -l file -d 'A PEM, PKCS#12, JKS or JCEKS file' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and __fish_seen_subcommand_from list" -l password-file -d 'File that holds the keystore\'s password' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and __fish_seen_subcommand_from list" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and __fish_seen_subcommand_from list" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and __fish_seen_subcommand_from check" -l file -d 'A PEM, PKCS#12, JKS or JCEKS file' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and __fish_seen_subcommand_from check" -l password-file -d 'File that holds the keystore\'s password' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and __fish_seen_subcommand_from check" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and __fish_seen_subcommand_from check" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and __fish_seen_subcommand_from generate" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and __fish_seen_subcommand_from generate" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and __fish_seen_subcommand_from generate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and __fish_seen_subcommand_from export-ca" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and __fish_seen_subcommand_from export-ca" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and __fish_seen_subcommand_from export-ca" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and __fish_seen_subcommand_from help" -f -a "list" -d 'Lists entries of a keystore, or of the installation\'s own keys'
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and __fish_seen_subcommand_from help" -f -a "check" -d 'Applies the certificate rules (guideline A02)'
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and __fish_seen_subcommand_from help" -f -a "generate" -d 'Makes a new key and certificate for the TLS listeners, signed by the installation\'s own authority'
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and __fish_seen_subcommand_from help" -f -a "export-ca" -d 'Prints the certificate authority that clients need to trust'
complete -c portcullis -n "__fish_portcullis_using_subcommand keystore; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand db; and not __fish_seen_subcommand_from migrate status help" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand db; and not __fish_seen_subcommand_from migrate status help" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand db; and not __fish_seen_subcommand_from migrate status help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand db; and not __fish_seen_subcommand_from migrate status help" -f -a "migrate" -d 'Applies pending migrations. PostgreSQL: as the owner role, before the server starts'
complete -c portcullis -n "__fish_portcullis_using_subcommand db; and not __fish_seen_subcommand_from migrate status help" -f -a "status" -d 'Shows the version of the schema and what is pending'
complete -c portcullis -n "__fish_portcullis_using_subcommand db; and not __fish_seen_subcommand_from migrate status help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand db; and __fish_seen_subcommand_from migrate" -l url -d 'URL of the database with the owner role; without it, the one of the configuration. PostgreSQL only' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand db; and __fish_seen_subcommand_from migrate" -l username -d 'Owner role. PostgreSQL only' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand db; and __fish_seen_subcommand_from migrate" -l password-file -d 'File that holds the owner role\'s password; else the environment variable PORTCULLIS_DB_OWNER_PASSWORD' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand db; and __fish_seen_subcommand_from migrate" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand db; and __fish_seen_subcommand_from migrate" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand db; and __fish_seen_subcommand_from migrate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand db; and __fish_seen_subcommand_from status" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand db; and __fish_seen_subcommand_from status" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand db; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand db; and __fish_seen_subcommand_from help" -f -a "migrate" -d 'Applies pending migrations. PostgreSQL: as the owner role, before the server starts'
complete -c portcullis -n "__fish_portcullis_using_subcommand db; and __fish_seen_subcommand_from help" -f -a "status" -d 'Shows the version of the schema and what is pending'
complete -c portcullis -n "__fish_portcullis_using_subcommand db; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and not __fish_seen_subcommand_from diff history waive attest verify help" -l only -d 'Guideline or check to look at, as in `A08` or `A08.1`; repeat for more' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and not __fish_seen_subcommand_from diff history waive attest verify help" -l format -d 'Form of the report' -r -f -a "text\t'For a terminal'
json\t'JSON, by schema/audit-report.schema.json'
sarif\t'SARIF 2.1.0'
junit\t'JUnit XML'
html\t'One page without scripts'
oscal\t'OSCAL assessment results, JSON'"
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and not __fish_seen_subcommand_from diff history waive attest verify help" -l out -d 'File to write the report to, with its signature beside it; standard output without it' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and not __fish_seen_subcommand_from diff history waive attest verify help" -l wso2-home -d 'Audits the home of a WSO2 product instead' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and not __fish_seen_subcommand_from diff history waive attest verify help" -l password-file -d 'File with a password that may open key stores of that home' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and not __fish_seen_subcommand_from diff history waive attest verify help" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and not __fish_seen_subcommand_from diff history waive attest verify help" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and not __fish_seen_subcommand_from diff history waive attest verify help" -l static -d 'Files and configuration only: no network, no database, no look at the host'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and not __fish_seen_subcommand_from diff history waive attest verify help" -l strict -d 'Fails when a `should` check fails too'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and not __fish_seen_subcommand_from diff history waive attest verify help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and not __fish_seen_subcommand_from diff history waive attest verify help" -f -a "diff" -d 'Compares two reports in JSON; without names the last two that were kept'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and not __fish_seen_subcommand_from diff history waive attest verify help" -f -a "history" -d 'Lists the reports that were kept, oldest first'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and not __fish_seen_subcommand_from diff history waive attest verify help" -f -a "waive" -d 'Accepts a finding until a day'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and not __fish_seen_subcommand_from diff history waive attest verify help" -f -a "attest" -d 'Vouches until a day for what a program cannot see'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and not __fish_seen_subcommand_from diff history waive attest verify help" -f -a "verify" -d 'Looks whether a report is as this installation signed it'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and not __fish_seen_subcommand_from diff history waive attest verify help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from diff" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from diff" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from history" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from history" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from history" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from waive" -l owner -d 'Who answers for it' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from waive" -l reason -d 'Why, and where it is written down' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from waive" -l expires -d 'Last day, as in `2027-01-31`' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from waive" -l scope -d 'With `waive`: only findings whose place contains this text' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from waive" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from waive" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from waive" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from attest" -l owner -d 'Who answers for it' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from attest" -l reason -d 'Why, and where it is written down' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from attest" -l expires -d 'Last day, as in `2027-01-31`' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from attest" -l scope -d 'With `waive`: only findings whose place contains this text' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from attest" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from attest" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from attest" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from verify" -l signature -d 'Its signature; without it the file with `.jws` added' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from verify" -l jwks -d 'Public keys (JWKS) of the installation that signed it; without it those of this one' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from verify" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from verify" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from help" -f -a "diff" -d 'Compares two reports in JSON; without names the last two that were kept'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from help" -f -a "history" -d 'Lists the reports that were kept, oldest first'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from help" -f -a "waive" -d 'Accepts a finding until a day'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from help" -f -a "attest" -d 'Vouches until a day for what a program cannot see'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Looks whether a report is as this installation signed it'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and not __fish_seen_subcommand_from verify export tail help" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and not __fish_seen_subcommand_from verify export tail help" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and not __fish_seen_subcommand_from verify export tail help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and not __fish_seen_subcommand_from verify export tail help" -f -a "verify" -d 'Looks whether any record was changed, removed, put in between or cut off; names the first'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and not __fish_seen_subcommand_from verify export tail help" -f -a "export" -d 'Prints the records as JSON lines, oldest first'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and not __fish_seen_subcommand_from verify export tail help" -f -a "tail" -d 'Prints the last records as JSON lines'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and not __fish_seen_subcommand_from verify export tail help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and __fish_seen_subcommand_from verify" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and __fish_seen_subcommand_from verify" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and __fish_seen_subcommand_from export" -l after -d 'Only records with a larger number' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and __fish_seen_subcommand_from export" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and __fish_seen_subcommand_from export" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and __fish_seen_subcommand_from tail" -s n -l records -d 'How many' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and __fish_seen_subcommand_from tail" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and __fish_seen_subcommand_from tail" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and __fish_seen_subcommand_from tail" -s f -l follow -d 'Go on with what is written from now on'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and __fish_seen_subcommand_from tail" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Looks whether any record was changed, removed, put in between or cut off; names the first'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and __fish_seen_subcommand_from help" -f -a "export" -d 'Prints the records as JSON lines, oldest first'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and __fish_seen_subcommand_from help" -f -a "tail" -d 'Prints the last records as JSON lines'
complete -c portcullis -n "__fish_portcullis_using_subcommand audit-log; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand migrate" -l wso2-home -d 'Home directory of the WSO2 product' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand migrate" -l out -d 'New directory for what is written' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand migrate" -l password-file -d 'File with a password that may open its key stores' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand migrate" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand migrate" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand migrate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and not __fish_seen_subcommand_from add list lock unlock reset-second-factor reset-password help" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and not __fish_seen_subcommand_from add list lock unlock reset-second-factor reset-password help" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and not __fish_seen_subcommand_from add list lock unlock reset-second-factor reset-password help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and not __fish_seen_subcommand_from add list lock unlock reset-second-factor reset-password help" -f -a "add" -d 'Adds a user. The password is read from standard input, or from a file'
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and not __fish_seen_subcommand_from add list lock unlock reset-second-factor reset-password help" -f -a "list" -d 'Lists users: those of the embedded store and who has signed in from a directory, or everybody in a directory'
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and not __fish_seen_subcommand_from add list lock unlock reset-second-factor reset-password help" -f -a "lock" -d 'Locks an account; its tokens stop working'
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and not __fish_seen_subcommand_from add list lock unlock reset-second-factor reset-password help" -f -a "unlock" -d 'Unlocks an account'
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and not __fish_seen_subcommand_from add list lock unlock reset-second-factor reset-password help" -f -a "reset-second-factor" -d 'Removes the second factor of somebody who lost app and recovery codes; their sessions end'
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and not __fish_seen_subcommand_from add list lock unlock reset-second-factor reset-password help" -f -a "reset-password" -d 'Sets a new password, read from standard input or a file; tokens of the account stop working'
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and not __fish_seen_subcommand_from add list lock unlock reset-second-factor reset-password help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from add" -l role -d 'Role; repeat for more. `admin` makes an administrator' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from add" -l password-file -d 'File that holds the password' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from add" -l tenant -d 'Tenant domain' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from add" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from add" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from list" -l store -d 'Domain of a directory; PRIMARY for the one without a domain' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from list" -l tenant -d 'Tenant domain' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from list" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from list" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from lock" -l tenant -d 'Tenant domain' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from lock" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from lock" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from lock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from unlock" -l tenant -d 'Tenant domain' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from unlock" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from unlock" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from unlock" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from reset-second-factor" -l tenant -d 'Tenant domain' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from reset-second-factor" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from reset-second-factor" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from reset-second-factor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l password-file -d 'File that holds the password' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l tenant -d 'Tenant domain' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from reset-password" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from reset-password" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from reset-password" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "add" -d 'Adds a user. The password is read from standard input, or from a file'
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "list" -d 'Lists users: those of the embedded store and who has signed in from a directory, or everybody in a directory'
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "lock" -d 'Locks an account; its tokens stop working'
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "unlock" -d 'Unlocks an account'
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "reset-second-factor" -d 'Removes the second factor of somebody who lost app and recovery codes; their sessions end'
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "reset-password" -d 'Sets a new password, read from standard input or a file; tokens of the account stop working'
complete -c portcullis -n "__fish_portcullis_using_subcommand user; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand backup; and not __fish_seen_subcommand_from create list drill help" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand backup; and not __fish_seen_subcommand_from create list drill help" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand backup; and not __fish_seen_subcommand_from create list drill help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand backup; and not __fish_seen_subcommand_from create list drill help" -f -a "create" -d 'Makes a backup now; the server may be running'
complete -c portcullis -n "__fish_portcullis_using_subcommand backup; and not __fish_seen_subcommand_from create list drill help" -f -a "list" -d 'Lists the backups, oldest first'
complete -c portcullis -n "__fish_portcullis_using_subcommand backup; and not __fish_seen_subcommand_from create list drill help" -f -a "drill" -d 'Makes a backup, restores it in a scratch directory and looks whether everything is there'
complete -c portcullis -n "__fish_portcullis_using_subcommand backup; and not __fish_seen_subcommand_from create list drill help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand backup; and __fish_seen_subcommand_from create" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand backup; and __fish_seen_subcommand_from create" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand backup; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand backup; and __fish_seen_subcommand_from list" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand backup; and __fish_seen_subcommand_from list" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand backup; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand backup; and __fish_seen_subcommand_from drill" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand backup; and __fish_seen_subcommand_from drill" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand backup; and __fish_seen_subcommand_from drill" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand backup; and __fish_seen_subcommand_from help" -f -a "create" -d 'Makes a backup now; the server may be running'
complete -c portcullis -n "__fish_portcullis_using_subcommand backup; and __fish_seen_subcommand_from help" -f -a "list" -d 'Lists the backups, oldest first'
complete -c portcullis -n "__fish_portcullis_using_subcommand backup; and __fish_seen_subcommand_from help" -f -a "drill" -d 'Makes a backup, restores it in a scratch directory and looks whether everything is there'
complete -c portcullis -n "__fish_portcullis_using_subcommand backup; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand restore" -l master-key-file -d 'File that holds the master key of the vault; else the one that the installation in --home uses' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand restore" -l passphrase-file -d 'File that holds the passphrase of the vault' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand restore" -l username -d 'Owner role, to put rows back into PostgreSQL. Every row that is there is replaced' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand restore" -l password-file -d 'File that holds the owner role\'s password; else the environment variable PORTCULLIS_DB_OWNER_PASSWORD' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand restore" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand restore" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand restore" -l verify -d 'Only looks whether it could be restored; nothing is changed'
complete -c portcullis -n "__fish_portcullis_using_subcommand restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and not __fish_seen_subcommand_from check apply rollback help" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and not __fish_seen_subcommand_from check apply rollback help" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and not __fish_seen_subcommand_from check apply rollback help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and not __fish_seen_subcommand_from check apply rollback help" -f -a "check" -d 'Verifies the repository of updates, puts its advisories into the home, and says whether there is a newer program'
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and not __fish_seen_subcommand_from check apply rollback help" -f -a "apply" -d 'Fetches the newest program, tries it, and puts it into the place of the installed one, which is kept'
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and not __fish_seen_subcommand_from check apply rollback help" -f -a "rollback" -d 'Puts the program before the last update back'
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and not __fish_seen_subcommand_from check apply rollback help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and __fish_seen_subcommand_from check" -l repository -d 'Another repository than that of `[updates]`: an https URL or a folder' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and __fish_seen_subcommand_from check" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and __fish_seen_subcommand_from check" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and __fish_seen_subcommand_from apply" -l repository -d 'Another repository than that of `[updates]`: an https URL or a folder' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and __fish_seen_subcommand_from apply" -l restart -d 'Command that restarts the service, without a shell, as in "systemctl restart portcullis". After an update the new program has to serve; if it does not, the old one is put back and restarted' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and __fish_seen_subcommand_from apply" -l wait -d 'How long the restarted program may take until it serves, in seconds' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and __fish_seen_subcommand_from apply" -l program -d 'The installed program; without it, this one' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and __fish_seen_subcommand_from apply" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and __fish_seen_subcommand_from apply" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and __fish_seen_subcommand_from apply" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and __fish_seen_subcommand_from rollback" -l restart -d 'Command that restarts the service, without a shell, as in "systemctl restart portcullis". After an update the new program has to serve; if it does not, the old one is put back and restarted' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and __fish_seen_subcommand_from rollback" -l wait -d 'How long the restarted program may take until it serves, in seconds' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and __fish_seen_subcommand_from rollback" -l program -d 'The installed program; without it, this one' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and __fish_seen_subcommand_from rollback" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and __fish_seen_subcommand_from rollback" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and __fish_seen_subcommand_from rollback" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and __fish_seen_subcommand_from help" -f -a "check" -d 'Verifies the repository of updates, puts its advisories into the home, and says whether there is a newer program'
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and __fish_seen_subcommand_from help" -f -a "apply" -d 'Fetches the newest program, tries it, and puts it into the place of the installed one, which is kept'
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and __fish_seen_subcommand_from help" -f -a "rollback" -d 'Puts the program before the last update back'
complete -c portcullis -n "__fish_portcullis_using_subcommand update; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand harden" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand harden" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand harden" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand setup-link" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand setup-link" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand setup-link" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and not __fish_seen_subcommand_from list import export publish delete help" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and not __fish_seen_subcommand_from list import export publish delete help" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and not __fish_seen_subcommand_from list import export publish delete help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and not __fish_seen_subcommand_from list import export publish delete help" -f -a "list" -d 'Lists APIs'
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and not __fish_seen_subcommand_from list import export publish delete help" -f -a "import" -d 'Imports an OpenAPI or Swagger file, or an apictl project (folder or zip)'
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and not __fish_seen_subcommand_from list import export publish delete help" -f -a "export" -d 'Exports an API as an apictl project'
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and not __fish_seen_subcommand_from list import export publish delete help" -f -a "publish" -d 'Publishes an API: makes a revision, deploys it, changes the lifecycle state'
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and not __fish_seen_subcommand_from list import export publish delete help" -f -a "delete" -d 'Deletes an API'
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and not __fish_seen_subcommand_from list import export publish delete help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from list" -l query -d 'WSO2\'s search syntax, as in `name:Pizza` or `status:PUBLISHED`' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from list" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from list" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from import" -l file -d 'OpenAPI/Swagger file (YAML or JSON), apictl folder, or zip of one' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from import" -l name -d 'Name, for a definition; else its title' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from import" -l version -d 'Version, for a definition; else the one it states' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from import" -l context -d 'Context, for a definition, as in `/pizza`; else made of the name' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from import" -l endpoint -d 'Upstream URL; else the first server of a definition, or the endpoints of a project' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from import" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from import" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from import" -l update -d 'Replaces an API of the same name and version'
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from import" -l publish -d 'Publishes it afterwards'
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from export" -l name -d 'Name' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from export" -l version -d 'Version' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from export" -l file -d 'File to write; standard output without it' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from export" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from export" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from publish" -l name -d 'Name' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from publish" -l version -d 'Version' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from publish" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from publish" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from publish" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from delete" -l name -d 'Name' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from delete" -l version -d 'Version' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from delete" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from delete" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from help" -f -a "list" -d 'Lists APIs'
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from help" -f -a "import" -d 'Imports an OpenAPI or Swagger file, or an apictl project (folder or zip)'
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from help" -f -a "export" -d 'Exports an API as an apictl project'
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from help" -f -a "publish" -d 'Publishes an API: makes a revision, deploys it, changes the lifecycle state'
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from help" -f -a "delete" -d 'Deletes an API'
complete -c portcullis -n "__fish_portcullis_using_subcommand api; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand token" -l client-id -d 'Consumer key of an application' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand token" -l secret-file -d 'File that holds the consumer secret; else standard input' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand token" -l scope -d 'Scope; repeat for more' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand token" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand token" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand token" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand login" -l username -d 'User name' -r
complete -c portcullis -n "__fish_portcullis_using_subcommand login" -l password-file -d 'File that holds the password; else standard input' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand login" -l ca -d 'Certificate authority (PEM) of the server, when it is not a public one' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand login" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand login" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand login" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand version" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand version" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand version" -l sbom -d 'Print the parts that the program is made of instead, as CycloneDX 1.6 in JSON'
complete -c portcullis -n "__fish_portcullis_using_subcommand version" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand completions" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand completions" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand man" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand man" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand generate" -l home -d 'Home directory of the installation: configuration, keys, database, logs' -r -F
complete -c portcullis -n "__fish_portcullis_using_subcommand generate" -s o -l output -d 'How results are written to standard output' -r -f -a "table\t'Text for people'
json\t'JSON'
yaml\t'YAML'"
complete -c portcullis -n "__fish_portcullis_using_subcommand generate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "init" -d 'Makes an installation: configuration, keys, database, set-up link. Completes a half-made one'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "serve" -d 'Runs the server until it is told to stop'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "quickstart" -d 'Walks from an empty directory to a secured API call, then keeps serving'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "config" -d 'Checks, shows and documents the configuration'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "integrator" -d 'Checks Synapse artifacts and runs their unit tests'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "vault" -d 'Seals secrets of the configuration file'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "keystore" -d 'Looks into keystores and certificates'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "db" -d 'Brings the database schema up to date'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "audit" -d 'Looks whether every security guideline holds; changes nothing'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "audit-log" -d 'Verifies and prints the audit log: every change by people and systems'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "migrate" -d 'Writes a configuration for Portcullis from the home of a WSO2 product, and lists what cannot be carried over'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "user" -d 'Manages user accounts'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "backup" -d 'Makes, lists and tries backups'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "restore" -d 'Looks whether a backup can be restored, or restores it'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "update" -d 'Looks for signed updates, installs them, and takes them back'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "harden" -d 'Prints files that harden the machine around this installation, made from its configuration'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "setup-link" -d 'Prints a new one-time link for choosing the first administrator; the one before stops working'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "api" -d 'Manages APIs of a running server'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "token" -d 'Gets an access token from a running server'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "login" -d 'Signs in to a server elsewhere and remembers it for `api` commands'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "version" -d 'Prints the version'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "completions" -d 'Prints a completion script for a shell'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "man" -d 'Prints the manual page'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "generate" -d 'Prints a generated file of the project'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and not __fish_seen_subcommand_from init serve quickstart config integrator vault keystore db audit audit-log migrate user backup restore update harden setup-link api token login version completions man generate help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "check" -d 'Reports every error and note of deployment.toml at once'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "show" -d 'Lists each setting with its value and where it comes from. Secrets are shown as references'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "docs" -d 'Prints the reference page of all settings'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from config" -f -a "schema" -d 'Prints the JSON Schema of deployment.toml'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from integrator" -f -a "check" -d 'Says of each artifact whether it loads, and why not: with line, mediator and what to do'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from integrator" -f -a "run" -d 'Serves a folder of artifacts on this machine, and deploys what changes in it. For development: plain HTTP on loopback, no home directory'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from integrator" -f -a "deploy" -d 'Puts a Carbon application (.car) into the home directory; a running server deploys it within seconds'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from integrator" -f -a "undeploy" -d 'Removes a Carbon application from the home directory; a running server undeploys it within seconds'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from integrator" -f -a "list" -d 'Lists what the home directory holds, with what is refused and why'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from integrator" -f -a "test" -d 'Runs unit-test suites with their mock services'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from vault" -f -a "encrypt" -d 'Seals every plain value of the section `secrets` in place; comments and layout stay'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from vault" -f -a "rotate" -d 'Makes a new vault key and seals every secret again under it, in deployment.toml and in the database; servers may go on serving'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from vault" -f -a "reseal" -d 'Goes on where `rotate` was interrupted: seals again what older keys sealed in the database'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from vault" -f -a "list" -d 'Lists aliases with the version of the key that sealed them. Never a value'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from keystore" -f -a "list" -d 'Lists entries of a keystore, or of the installation\'s own keys'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from keystore" -f -a "check" -d 'Applies the certificate rules (guideline A02)'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from keystore" -f -a "generate" -d 'Makes a new key and certificate for the TLS listeners, signed by the installation\'s own authority'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from keystore" -f -a "export-ca" -d 'Prints the certificate authority that clients need to trust'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from db" -f -a "migrate" -d 'Applies pending migrations. PostgreSQL: as the owner role, before the server starts'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from db" -f -a "status" -d 'Shows the version of the schema and what is pending'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from audit" -f -a "diff" -d 'Compares two reports in JSON; without names the last two that were kept'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from audit" -f -a "history" -d 'Lists the reports that were kept, oldest first'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from audit" -f -a "waive" -d 'Accepts a finding until a day'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from audit" -f -a "attest" -d 'Vouches until a day for what a program cannot see'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from audit" -f -a "verify" -d 'Looks whether a report is as this installation signed it'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from audit-log" -f -a "verify" -d 'Looks whether any record was changed, removed, put in between or cut off; names the first'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from audit-log" -f -a "export" -d 'Prints the records as JSON lines, oldest first'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from audit-log" -f -a "tail" -d 'Prints the last records as JSON lines'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "add" -d 'Adds a user. The password is read from standard input, or from a file'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "list" -d 'Lists users: those of the embedded store and who has signed in from a directory, or everybody in a directory'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "lock" -d 'Locks an account; its tokens stop working'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "unlock" -d 'Unlocks an account'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "reset-second-factor" -d 'Removes the second factor of somebody who lost app and recovery codes; their sessions end'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from user" -f -a "reset-password" -d 'Sets a new password, read from standard input or a file; tokens of the account stop working'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from backup" -f -a "create" -d 'Makes a backup now; the server may be running'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from backup" -f -a "list" -d 'Lists the backups, oldest first'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from backup" -f -a "drill" -d 'Makes a backup, restores it in a scratch directory and looks whether everything is there'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from update" -f -a "check" -d 'Verifies the repository of updates, puts its advisories into the home, and says whether there is a newer program'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from update" -f -a "apply" -d 'Fetches the newest program, tries it, and puts it into the place of the installed one, which is kept'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from update" -f -a "rollback" -d 'Puts the program before the last update back'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from api" -f -a "list" -d 'Lists APIs'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from api" -f -a "import" -d 'Imports an OpenAPI or Swagger file, or an apictl project (folder or zip)'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from api" -f -a "export" -d 'Exports an API as an apictl project'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from api" -f -a "publish" -d 'Publishes an API: makes a revision, deploys it, changes the lifecycle state'
complete -c portcullis -n "__fish_portcullis_using_subcommand help; and __fish_seen_subcommand_from api" -f -a "delete" -d 'Deletes an API'
