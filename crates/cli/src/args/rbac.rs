//! The arguments of `ringwall rbac`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use ringwall_model::version::Minor;
use ringwall_report::{Format, JSON, TEXT};

use super::{ConfigArgs, LookArgs, OutputArgs, ReadingArgs};

/// What to ask of roles and bindings.
#[derive(Debug, Subcommand)]
pub(crate) enum RbacVerb {
    /// Whether a user may do something, as `kubectl auth can-i --as` answers it, and the binding and rule that decide
    CanI(CanIArgs),
    /// Every user, group and service account that may do something, and through what
    WhoCan(WhoCanArgs),
    /// All that subjects may do: subjects, verbs, resources, namespaces
    Matrix(MatrixArgs),
    /// Who can become what: chains of grants up to cluster-admin or a node, and the fewest grants to remove
    Escalate(EscalateArgs),
    /// Whether the API server would let a user write roles and bindings, and its message if not
    CanGrant(CanGrantArgs),
    /// The least roles that an audit log proves are needed, checked by replay, and the grants that it never used
    Reduce(ReduceArgs),
    /// Who gains and loses what by a change
    Diff(RbacDiffArgs),
}

/// Where roles and bindings come from. Objects that state no namespace are in `default`, where `kubectl apply` puts them.
#[derive(Debug, Args)]
pub(crate) struct SourceArgs {
    /// The cluster's Kubernetes version, whose default roles and bindings count where the input has none of their names, such as
    /// v1.36 [default: the newest that ringwall knows]
    #[arg(long, value_name = "VERSION")]
    pub(crate) kubernetes_version: Option<Minor>,
    /// The namespace of objects that state none [default: default]
    #[arg(long, value_name = "NAME")]
    pub(crate) apply_namespace: Option<String>,
    /// Run neither helm nor kustomize
    #[arg(long)]
    pub(crate) no_render: bool,
    /// Exit with 0, not 1, where the input does not hold what the answer depends on
    #[arg(long)]
    pub(crate) allow_unknown: bool,
}

impl SourceArgs {
    /// The same, as other verbs have it.
    pub(crate) fn reading(&self) -> ReadingArgs {
        ReadingArgs {
            namespace: self.apply_namespace.clone(),
            kubernetes_version: self.kubernetes_version,
            pod_cidr: Vec::new(),
            no_render: self.no_render,
            allow_unknown: self.allow_unknown,
        }
    }
}

/// Files, directories, Helm charts, kustomizations; `-` for standard input.
#[derive(Debug, Args)]
pub(crate) struct PathArgs {
    /// Files, directories, Helm charts, kustomizations; `-` for standard input
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

/// Who asks.
#[derive(Debug, Args)]
pub(crate) struct UserArgs {
    /// Who asks: a user, or `system:serviceaccount:NAMESPACE:NAME`
    #[arg(long = "as", value_name = "USER")]
    pub(crate) user: Option<String>,
    /// A group of the user; may be given more than once. Without one, a service account has the groups that its token gives it
    #[arg(long = "as-group", value_name = "GROUP")]
    pub(crate) groups: Vec<String>,
}

#[derive(Debug, Args)]
#[command(
    override_usage = "ringwall rbac can-i [OPTIONS] --as USER VERB TYPE|TYPE/NAME|URL PATH...\n       \
                      ringwall rbac can-i [OPTIONS] --as USER --list PATH...",
    after_help = "Examples:
  ringwall rbac can-i list pods --as system:serviceaccount:default:my-sa k8s/
  ringwall rbac can-i get pods --subresource log -n shop --as alice --as-group dev k8s/
  ringwall rbac can-i delete nodes -A --as alice k8s/
  ringwall rbac can-i get /metrics --as system:serviceaccount:monitoring:prometheus k8s/
  ringwall rbac can-i --list -n shop --as system:serviceaccount:shop:web k8s/
  kubectl get clusterroles,clusterrolebindings,roles,rolebindings -A -o yaml | ringwall rbac can-i list pods --as alice -

Exit codes: 0 yes, 1 no or cannot tell, 2 wrong usage or unreadable input"
)]
pub(crate) struct CanIArgs {
    /// A verb, then a resource type (`pods`, `deploy`, `deployments.apps`, with `/NAME` for one object) or a path that begins with
    /// `/`; then files, directories, Helm charts, kustomizations, or `-` for standard input
    #[arg(value_name = "WORD")]
    pub(crate) words: Vec<String>,
    #[command(flatten)]
    pub(crate) user: UserArgs,
    /// The namespace that is asked about [default: default]
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Ask about all namespaces at once
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub(crate) all_namespaces: bool,
    /// The subresource, such as log or scale
    #[arg(long, value_name = "NAME")]
    pub(crate) subresource: Option<String>,
    /// Print all that is allowed in the namespace
    #[arg(long, conflicts_with_all = ["all_namespaces", "subresource"])]
    pub(crate) list: bool,
    /// With --list: print no line of headers
    #[arg(long, requires = "list")]
    pub(crate) no_headers: bool,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(
    override_usage = "ringwall rbac who-can [OPTIONS] VERB TYPE|TYPE/NAME|URL PATH...",
    after_help = "Examples:
  ringwall rbac who-can get secrets -n shop k8s/
  ringwall rbac who-can create pods --subresource exec -n shop k8s/
  ringwall rbac who-can '*' '*' -A k8s/

Exit codes: 0 the question is answered, 2 wrong usage or unreadable input"
)]
pub(crate) struct WhoCanArgs {
    /// A verb, then a resource type or a path that begins with `/`; then files and directories, or `-` for standard input
    #[arg(value_name = "WORD", required = true)]
    pub(crate) words: Vec<String>,
    /// The namespace that is asked about [default: default]
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Ask about all namespaces at once
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub(crate) all_namespaces: bool,
    /// The subresource, such as log or scale
    #[arg(long, value_name = "NAME")]
    pub(crate) subresource: Option<String>,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall rbac matrix k8s/
  ringwall rbac matrix --resource secrets -o csv k8s/ > secrets.csv")]
pub(crate) struct MatrixArgs {
    #[command(flatten)]
    pub(crate) paths: PathArgs,
    /// Only what holds in this namespace
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Only what gives something on this resource type, by stars too
    #[arg(long, value_name = "TYPE")]
    pub(crate) resource: Option<String>,
    /// With --resource: the subresource
    #[arg(long, value_name = "NAME", requires = "resource")]
    pub(crate) subresource: Option<String>,
    /// Only what gives this verb, by stars too
    #[arg(long, value_name = "VERB")]
    pub(crate) verb: Option<String>,
    /// Show the subjects of the default policy too
    #[arg(long)]
    pub(crate) all: bool,
    /// Format of the answer
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: MatrixOutput,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

/// A format of the matrix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum MatrixOutput {
    /// A table for each subject
    #[default]
    Text,
    Json,
    /// A line for each subject, namespace, resource and verb
    Csv,
}

impl MatrixOutput {
    /// What a report has in its place.
    pub(crate) const fn format(self) -> &'static Format {
        match self {
            Self::Json => JSON,
            Self::Text | Self::Csv => TEXT,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall rbac can-grant --as alice -f role.yaml k8s/
  ringwall rbac can-grant --as system:serviceaccount:ci:deployer -f bindings.yaml --verb create k8s/

What the file writes counts for what follows in it; what is refused is not there for it.

Exit codes: 0 all of it may be written, 1 some of it may not or cannot tell, 2 wrong usage or unreadable input")]
pub(crate) struct CanGrantArgs {
    #[command(flatten)]
    pub(crate) user: UserArgs,
    /// The roles and bindings to write, in their order; `-` for standard input; may be given more than once
    #[arg(short, long, value_name = "FILE", required = true)]
    pub(crate) filename: Vec<PathBuf>,
    /// How they are written [default: as kubectl apply does it: get, then patch for what is there already, create for what is not]
    #[arg(long, value_enum)]
    pub(crate) verb: Option<WriteVerb>,
    #[command(flatten)]
    pub(crate) paths: PathArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// How an object is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WriteVerb {
    /// POST, as kubectl create does it
    Create,
    /// PUT, as kubectl replace does it
    Update,
    /// PATCH: merged into what is there; where nothing is, a server-side apply
    Patch,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall rbac reduce --audit-log audit.log k8s/ > least.yaml
  ringwall rbac reduce --audit-log 'audit.log.gz' --any-name-above 5 --as system:serviceaccount:shop:operator k8s/

Exit codes: 0 all requests of the log are allowed by what is written, 1 some are not, 2 wrong usage or unreadable input")]
pub(crate) struct ReduceArgs {
    /// An audit log: JSON lines or `EventLists`, packed by gzip or not; `-` for standard input; may be given more than once
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) audit_log: Vec<PathBuf>,
    /// Only for this user; may be given more than once
    #[arg(long = "as", value_name = "USER")]
    pub(crate) users: Vec<String>,
    /// Give a verb for all names where the log needs it for more than this many [default: names are always kept]
    #[arg(long, value_name = "COUNT")]
    pub(crate) any_name_above: Option<usize>,
    #[command(flatten)]
    pub(crate) paths: PathArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall rbac escalate k8s/
  ringwall rbac escalate --to node k8s/
  ringwall rbac escalate --to system:serviceaccount:payments:ledger k8s/
  ringwall rbac escalate --from system:serviceaccount:ci:deployer k8s/

Who may do everything by a binding to it (cluster-admin) is an administrator by intent, and told apart.
Exit codes: 0 nobody else comes to it, 1 somebody does, 2 wrong usage or unreadable input")]
pub(crate) struct EscalateArgs {
    #[command(flatten)]
    pub(crate) paths: PathArgs,
    /// What is to be reached: cluster-admin, node (root on one, or its identity), a user or system:serviceaccount:NAMESPACE:NAME
    #[arg(long, value_name = "TARGET", default_value = "cluster-admin")]
    pub(crate) to: String,
    /// All that this user, service account or group:NAME comes to
    #[arg(long, value_name = "SUBJECT", conflicts_with = "to")]
    pub(crate) from: Option<String>,
    /// Show the subjects of the default policy too
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall rbac diff base/ head/
  git worktree add /tmp/base main && ringwall rbac diff /tmp/base/k8s k8s

Exit codes: 0 nothing differs, 1 something does, 2 wrong usage or unreadable input")]
pub(crate) struct RbacDiffArgs {
    /// What there was: a file, directory, chart or kustomization
    #[arg(value_name = "BASE")]
    pub(crate) base: PathBuf,
    /// What there will be
    #[arg(value_name = "HEAD")]
    pub(crate) head: PathBuf,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
