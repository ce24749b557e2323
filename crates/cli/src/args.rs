//! What is typed: the command line as clap reads it.

pub(crate) mod mesh;
pub(crate) mod rbac;

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use ringwall_model::address::Block;
use ringwall_model::control::Framework;
use ringwall_model::finding::Severity;
use ringwall_model::version::Minor;
use ringwall_network::cni::Cni;
use ringwall_network::npguard;
use ringwall_pods::policy::{Level, Version, VersionError};
use ringwall_posture::settings::FailOn;
use ringwall_report::{FORMATS, Format, JSON, TEXT, format};

/// Every ring of a Kubernetes cluster's defence, exactly
#[derive(Debug, Parser)]
#[command(name = "ringwall", version, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 yes or nothing found, 1 no or findings, 2 wrong usage or unreadable input, \
                        3 a fault of ringwall"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Find what is wrong with every object in files, directories, charts or a pipe
    Scan(ScanArgs),
    /// Mend findings in your own files, with minimal edits that are judged before they are offered
    Fix(FixArgs),
    /// Ask Pod Security Admission: what is refused, at which level, what a label would break
    #[command(subcommand)]
    Pods(PodsVerb),
    /// Ask the network policies: who reaches whom on what, why, and what a change opens
    #[command(subcommand)]
    Net(NetVerb),
    /// Ask RBAC: who may do what, through what, and what a change gives
    #[command(subcommand)]
    Rbac(rbac::RbacVerb),
    /// Ask a service mesh (Istio): what is encrypted between whom, and what turning STRICT breaks
    #[command(subcommand)]
    Mesh(mesh::MeshVerb),
    /// List all checks: severity, the controls they serve, whether a tool mends what they find
    Rules(RulesArgs),
    /// Explain a check, or list all checks
    Explain(ExplainArgs),
    /// Accept the findings that are there, so that only new ones count
    #[command(subcommand)]
    Baseline(BaselineVerb),
    /// Look at ringwall.toml
    #[command(subcommand)]
    Config(ConfigVerb),
}

/// What to do with a baseline.
#[derive(Debug, Subcommand)]
pub(crate) enum BaselineVerb {
    /// Write the findings that are there to a file, for `scan --baseline`
    Write(BaselineWriteArgs),
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Say what is wrong with the configuration, or what is in force
    Check(ConfigCheckArgs),
}

/// What to ask of Pod Security Admission.
#[derive(Debug, Subcommand)]
pub(crate) enum PodsVerb {
    /// The API server's own verdict and words for each workload
    Check(CheckArgs),
    /// The tightest level that each workload and namespace can take, and what stops the next
    Level(LevelArgs),
    /// What breaks if a namespace is labelled so, templates and CronJobs included
    Plan(PlanArgs),
    /// From PodSecurityPolicies to namespace labels: which level fits, and what it does not cover
    MigratePsp(MigratePspArgs),
}

/// What to ask of network policies.
#[derive(Debug, Subcommand)]
pub(crate) enum NetVerb {
    /// All connections between workloads, Services, entries and the outside, grouped
    List(NetListArgs),
    /// Whether one end reaches another, what decides on each side, and the least change that would allow it
    CanReach(CanReachArgs),
    /// What a change opens and closes
    Diff(NetDiffArgs),
    /// What a policy does: which pods it selects, who is let through, and what it does not do
    Describe(DescribeArgs),
    /// Find policies that do not do what their author meant
    #[command(after_help = "Examples:
  ringwall net check k8s/
  ringwall net check -o sarif k8s/ > network.sarif")]
    Check(RingCheckArgs),
    /// What is open to the internet, to the whole cluster, to pods that are yet to come
    Exposure(ExposureArgs),
    /// Write default deny, and the least policies that keep what is declared or was seen
    Generate(GenerateArgs),
    /// Each policy: the pods that it selects now, its effect in each direction, its findings
    Policies(PoliciesArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  ringwall net exposure k8s/")]
pub(crate) struct ExposureArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// Format of the answer
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: NetOutput,
    #[command(flatten)]
    pub(crate) look: LookArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall net list k8s/
  ringwall net list -o dot k8s/ | dot -Tsvg > network.svg
  kubectl get ns,deploy,sts,ds,job,cronjob,pod,svc,ing,netpol -A -o yaml | ringwall net list -")]
pub(crate) struct NetListArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// Format of the answer
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: ListOutput,
    #[command(flatten)]
    pub(crate) look: LookArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall net can-reach frontend backend:8080 -n shop k8s/
  ringwall net can-reach shop/frontend data/svc/orders-db:5432 k8s/
  ringwall net can-reach internet shop/frontend:http k8s/
  ringwall net can-reach shop/frontend 169.254.169.254:80 k8s/

Ends: a workload, pod or Service as NAME, NAMESPACE/NAME, KIND/NAME or NAMESPACE/KIND/NAME; an address; or internet.
Exit codes: 0 yes, 1 no or cannot tell, 2 wrong usage or unreadable input")]
pub(crate) struct CanReachArgs {
    /// Who connects
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,
    /// To whom, and on which port: a number (TCP), as in 53/udp, or a name; without one, the ports that it declares
    #[arg(value_name = "DESTINATION[:PORT]")]
    pub(crate) destination: String,
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Tell too where this engine is documented to read policies otherwise than their API means them
    #[arg(long, value_name = "ENGINE", value_parser = engines())]
    pub(crate) cni: Option<Cni>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall net diff base/ head/
  git worktree add /tmp/base main && ringwall net diff /tmp/base/k8s k8s

Exit codes: 0 nothing differs, 1 something does, 2 wrong usage or unreadable input")]
pub(crate) struct NetDiffArgs {
    /// What there was: a file, directory, chart or kustomization
    #[arg(value_name = "BASE")]
    pub(crate) base: PathBuf,
    /// What there will be
    #[arg(value_name = "HEAD")]
    pub(crate) head: PathBuf,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
    /// Format of the answer
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: NetOutput,
    #[command(flatten)]
    pub(crate) look: LookArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  ringwall net describe allow-dns -n shop k8s/")]
pub(crate) struct DescribeArgs {
    /// The policy: NAME, NAMESPACE/NAME or KIND/NAME
    #[arg(value_name = "POLICY")]
    pub(crate) policy: String,
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Tell too where this engine is documented to read policies otherwise than their API means them
    #[arg(long, value_name = "ENGINE", value_parser = engines())]
    pub(crate) cni: Option<Cni>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// What the checks of one ring are run over.
#[derive(Debug, Args)]
pub(crate) struct RingCheckArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) output: ReportArgs,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
    /// Show findings of this severity and above only [default: low]
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) min_severity: Option<Severity>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall net generate k8s/ > network-policies.yaml
  hubble observe --last 100000 -o json | ringwall net generate --from-flows - k8s/ > network-policies.yaml

What workloads need is read from Services, Ingresses and Gateways, from the addresses in environment, arguments and
ConfigMaps, and from webhook configurations; with --from-flows from what was seen instead.")]
pub(crate) struct GenerateArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    /// Keep what was seen: what `hubble observe -o json` prints, or CSV that begins with source,destination,port,protocol
    #[arg(long, value_name = "FILE")]
    pub(crate) from_flows: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall net policies -n shop k8s/
  ringwall net policies -A k8s/")]
pub(crate) struct PoliciesArgs {
    /// All namespaces, which is so without -n too
    #[arg(short = 'A', long)]
    pub(crate) all_namespaces: bool,
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// Where custom kinds with pod templates come from.
#[derive(Clone, Debug, Args)]
pub(crate) struct ConfigArgs {
    /// The configuration, for its `[[workloads]]` [default: ringwall.toml here, or above in the same Git repository]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Read no configuration
    #[arg(long, conflicts_with = "config")]
    pub(crate) no_config: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall scan k8s/
  ringwall scan --fail-on high -o sarif k8s/ > ringwall.sarif
  ringwall scan --baseline ringwall-baseline.json --fail-on new k8s/
  helm template charts/web | ringwall scan -")]
pub(crate) struct ScanArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) output: ReportArgs,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
    /// Exit with 1 if there is a finding of this severity or above (info, low, medium, high, critical), one that the baseline
    /// does not have (new), or both (new,high); or never [default: low]
    #[arg(long, value_name = "WHAT")]
    pub(crate) fail_on: Option<FailOn>,
    /// Show findings of this severity and above only; --fail-on still counts all [default: low]
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) min_severity: Option<Severity>,
    /// Set aside the findings that this file has, as `ringwall baseline write` wrote it
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// What findings are listed under, in text
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    pub(crate) group_by: GroupBy,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall fix k8s/                    show what would change, as a diff for `patch -p1`
  ringwall fix --safe --write k8s/     write what needs no second look
  ringwall fix --only privilege-escalation,RW-POD-019 --write k8s/

Exit codes: without --write, 1 if there is something to mend; with it, 0 once it is written")]
pub(crate) struct FixArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
    /// Show the difference, and write nothing: the default
    #[arg(long, conflicts_with = "write")]
    pub(crate) diff: bool,
    /// Write the files
    #[arg(long)]
    pub(crate) write: bool,
    /// Leave out what somebody who knows the program must look at
    #[arg(long)]
    pub(crate) safe: bool,
    /// Mend only the findings of these checks, each an id or a name
    #[arg(long, value_name = "CHECK,…", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Mend findings of this severity and above only [default: low]
    #[arg(long, value_name = "SEVERITY", conflicts_with = "only")]
    pub(crate) min_severity: Option<Severity>,
}

/// Where settings come from, and what they count.
#[derive(Debug, Args)]
pub(crate) struct SettingsArgs {
    /// The configuration [default: ringwall.toml here, or above in the same Git repository]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Read no configuration
    #[arg(long, conflicts_with = "config")]
    pub(crate) no_config: bool,
    /// Let the suppressions of checkov, kube-linter, kube-score, kubescape, trivy and KICS count too
    #[arg(long)]
    pub(crate) compat_ignores: bool,
}

/// What findings are listed under.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum GroupBy {
    /// The object that they are on
    #[default]
    Object,
    /// What is wrong, whatever objects it is wrong with
    Cause,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall baseline write ringwall-baseline.json k8s/
  ringwall scan --baseline ringwall-baseline.json --fail-on new k8s/")]
pub(crate) struct BaselineWriteArgs {
    /// The file to write; `-` for standard output. Reasons that it gives are kept
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
    /// Why the findings are accepted
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  ringwall config check")]
pub(crate) struct ConfigCheckArgs {
    /// The configuration [default: ringwall.toml here, or above in the same Git repository]
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// All engines whose differences are known, by the word for them.
fn engines() -> impl TypedValueParser<Value = Cni> {
    PossibleValuesParser::new(Cni::ALL.map(Cni::word))
        .try_map(|word| Cni::parse(&word).ok_or("there is no such engine"))
}

/// A block of addresses.
fn block(text: &str) -> Result<Block, String> {
    Block::parse(text).ok_or_else(|| "expected a block of addresses, as 10.244.0.0/16".to_owned())
}

/// A version as a label writes it, or without its `v`.
fn version(text: &str) -> Result<Version, VersionError> {
    text.parse().or_else(|error| format!("v{text}").parse().map_err(|_| error))
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall pods check --level restricted --version v1.31 k8s/
  kubectl get ns,deploy,sts,ds,cronjob -A -o yaml | ringwall pods check -")]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Judge at this level: privileged, baseline, restricted. Without it, at the level that the workload's
    /// Namespace object enforces
    #[arg(long)]
    pub(crate) level: Option<Level>,
    /// Version of the level: latest or v1.N
    #[arg(long, default_value = "latest", requires = "level", hide_default_value = true, value_parser = version)]
    pub(crate) version: Version,
    /// The cluster's PodSecurityConfiguration: exemptions and defaults
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Judge objects as they stand, without what the API server fills in before admission
    #[arg(long)]
    pub(crate) raw: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  ringwall pods level k8s/")]
pub(crate) struct LevelArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Version of the levels: latest or v1.N
    #[arg(long, default_value = "latest", value_parser = version)]
    pub(crate) version: Version,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  ringwall pods plan --enforce restricted k8s/")]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// The level to be enforced: privileged, baseline, restricted
    #[arg(long, value_name = "LEVEL")]
    pub(crate) enforce: Level,
    /// Its version: latest or v1.N
    #[arg(long, value_name = "VERSION", default_value = "latest", value_parser = version)]
    pub(crate) enforce_version: Version,
    /// The cluster's PodSecurityConfiguration: exemptions and defaults
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall pods migrate-psp k8s/
  kubectl get psp,clusterroles,clusterrolebindings,ns -o yaml > cluster.yaml
  kubectl get roles,rolebindings,deploy,sts,ds,job,cronjob,pod -A -o yaml > workloads.yaml
  ringwall pods migrate-psp cluster.yaml workloads.yaml

Exit codes: 0 in each namespace a level covers all that its policies demand, and no workload relies on what they write;
1 something is not covered, or cannot be told from the input; 2 wrong usage or unreadable input")]
pub(crate) struct MigratePspArgs {
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    /// Version of the levels: latest or v1.N
    #[arg(long, default_value = "latest", value_parser = version)]
    pub(crate) version: Version,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall rules
  ringwall rules --framework cis
  ringwall rules -o json | jq '.rules[] | select(.fixable.byTool) | .id'")]
pub(crate) struct RulesArgs {
    /// Only checks that serve a control of this framework: pss, cis, nsa, mitre
    #[arg(long)]
    pub(crate) framework: Option<Framework>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall explain RW-POD-003
  ringwall explain host-path-volume
  ringwall explain")]
pub(crate) struct ExplainArgs {
    /// A check: its id, its name, or the id that its reference gives it; without one, all checks are listed as by `ringwall rules`
    #[arg(value_name = "CHECK")]
    pub(crate) check: Option<String>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Where objects come from.
#[derive(Clone, Debug, Args)]
pub(crate) struct InputArgs {
    /// Files, directories, Helm charts, kustomizations; `-` for standard input. In directories, `.yaml`, `.yml` and `.json`
    /// files are read; what .gitignore names, hidden files and linked directories are left out unless they are named
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) reading: ReadingArgs,
}

/// How objects are read.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReadingArgs {
    /// The namespace of objects that state none
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// The cluster's Kubernetes version, such as v1.34 [default: the newest that ringwall knows]
    #[arg(long, value_name = "VERSION")]
    pub(crate) kubernetes_version: Option<Minor>,
    /// A block that pods get addresses from, where no Node object says; may be given more than once
    #[arg(long, value_name = "CIDR", value_parser = block)]
    pub(crate) pod_cidr: Vec<Block>,
    /// Run neither helm nor kustomize
    #[arg(long)]
    pub(crate) no_render: bool,
    /// Exit with 0, not 1, where the input does not hold what the answer depends on
    #[arg(long)]
    pub(crate) allow_unknown: bool,
}

/// How the answer is shown.
#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// Format of the answer
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

/// How findings are shown.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Format of the report
    #[arg(short, long, value_name = "FORMAT", default_value = TEXT.name, value_parser = formats())]
    pub(crate) output: &'static Format,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

/// All formats of reports, by name.
fn formats() -> impl TypedValueParser<Value = &'static Format> {
    let values = FORMATS.iter().map(|format| PossibleValue::new(format.name).help(format.summary));
    PossibleValuesParser::new(values).try_map(|name| format(&name).ok_or("there is no such format"))
}

/// How the run looks on a terminal.
#[derive(Debug, Args)]
pub(crate) struct LookArgs {
    /// When text is coloured; auto: on a terminal, unless `NO_COLOR` is set
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub(crate) color: Color,
    /// Say nothing beside the answer but errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// A format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    #[default]
    Text,
    Json,
}

impl Output {
    /// What a report has in its place.
    pub(crate) const fn format(self) -> &'static Format {
        match self {
            Self::Text => TEXT,
            Self::Json => JSON,
        }
    }
}

/// A format of a list of connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListOutput {
    /// A table
    #[default]
    Text,
    /// The ends, and which reach which
    Json,
    /// A line for each pair of ends
    Csv,
    /// A graph for Graphviz
    Dot,
    /// A table for a pull request
    Md,
    /// What np-guard's netpol-analyzer writes, byte for byte: docs/differences.md
    Npguard,
    /// The same as it writes Markdown
    NpguardMd,
    /// The same as CSV
    NpguardCsv,
    /// The same as JSON
    NpguardJson,
}

/// A format of what connections there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum NetOutput {
    #[default]
    Text,
    Json,
    /// What np-guard's netpol-analyzer writes, byte for byte: docs/differences.md
    Npguard,
    /// The same as it writes Markdown
    NpguardMd,
    /// The same as CSV
    NpguardCsv,
    /// The same as JSON
    NpguardJson,
}

impl NetOutput {
    /// What a report has in its place.
    pub(crate) const fn format(self) -> &'static Format {
        match self {
            Self::Json => JSON,
            _ => TEXT,
        }
    }

    /// The format of np-guard's analyzer, where that is asked for.
    pub(crate) const fn np_guard(self) -> Option<npguard::Format> {
        match self {
            Self::Npguard => Some(npguard::Format::Text),
            Self::NpguardMd => Some(npguard::Format::Markdown),
            Self::NpguardCsv => Some(npguard::Format::Csv),
            Self::NpguardJson => Some(npguard::Format::Json),
            Self::Text | Self::Json => None,
        }
    }
}

impl ListOutput {
    /// What a report has in its place.
    pub(crate) const fn format(self) -> &'static Format {
        match self {
            Self::Json => JSON,
            _ => TEXT,
        }
    }

    /// The format of np-guard's analyzer, where that is asked for.
    pub(crate) const fn np_guard(self) -> Option<npguard::Format> {
        match self {
            Self::Npguard => Some(npguard::Format::Text),
            Self::NpguardMd => Some(npguard::Format::Markdown),
            Self::NpguardCsv => Some(npguard::Format::Csv),
            Self::NpguardJson => Some(npguard::Format::Json),
            Self::Text | Self::Json | Self::Csv | Self::Dot | Self::Md => None,
        }
    }
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
