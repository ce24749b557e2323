//! The arguments of `ringwall mesh`.

use clap::{Args, Subcommand, ValueEnum};
use ringwall_mesh::sends::Outcome;
use ringwall_report::{Format, JSON, TEXT};

use super::{ConfigArgs, InputArgs, LookArgs, OutputArgs, RingCheckArgs};

/// What to ask of a mesh.
#[derive(Debug, Subcommand)]
pub(crate) enum MeshVerb {
    /// What each workload takes in on each port: STRICT, PERMISSIVE or DISABLE, which object decides it, and what has no proxy at all
    Mtls(MtlsArgs),
    /// What each client sends to each server, and what becomes of it: mTLS, plaintext, refused, broken
    Matrix(MeshMatrixArgs),
    /// What breaks if a namespace or the whole mesh turns STRICT, and the changes that let it
    Plan(MeshPlanArgs),
    /// Whether a client may call a server: what becomes of the connection, which proxy decides, and by which rule
    Can(MeshCanArgs),
    /// What `istioctl analyze` says of the input, in its words, with its codes; Services, pods and namespaces of files count
    Analyze(MeshAnalyzeArgs),
    /// Find policies that do nothing, or the opposite of what they seem
    Check(MeshCheckArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall mesh check k8s/
  ringwall mesh check -o sarif k8s/ > mesh.sarif

Exit codes: 0 nothing found, 1 something is, 2 wrong usage or unreadable input")]
pub(crate) struct MeshCheckArgs {
    /// The namespace whose policies are for the whole mesh [default: what the ConfigMap `istio` of the input says, or else
    /// istio-system]
    #[arg(long, value_name = "NAME")]
    pub(crate) root_namespace: Option<String>,
    #[command(flatten)]
    pub(crate) ring: RingCheckArgs,
}

/// What is to be known of a mesh beside the objects.
#[derive(Clone, Debug, Args)]
pub(crate) struct MeshArgs {
    /// The namespace whose policies are for the whole mesh [default: what the ConfigMap `istio` of the input says, or else
    /// istio-system]
    #[arg(long, value_name = "NAME")]
    pub(crate) root_namespace: Option<String>,
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall mesh mtls k8s/
  ringwall mesh mtls --in shop k8s/

Exit codes: 0 answered, 2 wrong usage or unreadable input")]
pub(crate) struct MtlsArgs {
    /// Only workloads of this namespace
    #[arg(long = "in", value_name = "NAMESPACE")]
    pub(crate) within: Option<String>,
    #[command(flatten)]
    pub(crate) mesh: MeshArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall mesh matrix k8s/
  ringwall mesh matrix --outcome refused --outcome broken k8s/
  ringwall mesh matrix --client frontend --server shop/cart k8s/

Exit codes: 0 nothing that is shown is refused or broken, 1 something is, 2 wrong usage or unreadable input")]
pub(crate) struct MeshMatrixArgs {
    /// Only clients whose name (kind, namespace/name) has this in it
    #[arg(long, value_name = "PART")]
    pub(crate) client: Option<String>,
    /// Only servers and services whose name has this in it
    #[arg(long, value_name = "PART")]
    pub(crate) server: Option<String>,
    /// Only what becomes of it so; may be given more than once
    #[arg(long, value_enum)]
    pub(crate) outcome: Vec<OutcomeArg>,
    /// Format of the answer
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: MeshOutput,
    #[command(flatten)]
    pub(crate) mesh: MeshArgs,
    #[command(flatten)]
    pub(crate) look: LookArgs,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutcomeArg {
    /// Encrypted, both sides known
    Mtls,
    /// In the clear
    Plaintext,
    /// The server's proxy refuses it
    Refused,
    /// The application gets TLS
    TlsToApp,
    /// The application gets the mesh's TLS, which it cannot know
    Broken,
    /// It depends on who signed the client's certificate
    CertDependent,
    /// It depends on listeners of a gateway that are not in the input
    Unknown,
    /// The client's proxy lets nothing out to what it does not know
    Blocked,
}

impl From<OutcomeArg> for Outcome {
    fn from(outcome: OutcomeArg) -> Self {
        match outcome {
            OutcomeArg::Mtls => Self::Mtls,
            OutcomeArg::Plaintext => Self::Plaintext,
            OutcomeArg::Refused => Self::Refused,
            OutcomeArg::TlsToApp => Self::TlsToApp,
            OutcomeArg::Broken => Self::Broken,
            OutcomeArg::CertDependent => Self::CertDependent,
            OutcomeArg::Unknown => Self::Unknown,
            OutcomeArg::Blocked => Self::Blocked,
        }
    }
}

/// A format of the matrix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum MeshOutput {
    /// By service; clients that are answered alike on one line
    #[default]
    Text,
    Json,
    /// A line for each client, service, port, subset and server
    Csv,
}

impl MeshOutput {
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
  ringwall mesh plan --strict k8s/
  ringwall mesh plan --strict shop k8s/
  ringwall mesh plan --strict shop --without-client kube-system/ --without-client node-exporter k8s/

Exit codes: 0 nothing breaks, 1 something does, 2 wrong usage or unreadable input")]
pub(crate) struct MeshPlanArgs {
    /// What turns STRICT: a namespace; without a name the whole mesh
    #[arg(long, value_name = "NAMESPACE", num_args = 0..=1, default_missing_value = "", required = true)]
    pub(crate) strict: String,
    /// Leave out clients whose name (kind, namespace/name) has this in it, as they do not call; may be given more than once
    #[arg(long, value_name = "PART")]
    pub(crate) without_client: Vec<String>,
    #[command(flatten)]
    pub(crate) mesh: MeshArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall mesh can shop/web shop/cart --port 8080 k8s/
  ringwall mesh can shop/web Service/shop/cart --port 80 --method GET --path /items k8s/
  ringwall mesh can cluster.local/ns/shop/sa/web shop/cart --port 8080 --method POST --path / k8s/

Exit codes: 0 yes, 1 no or cannot tell, 2 wrong usage or unreadable input")]
pub(crate) struct MeshCanArgs {
    /// Who calls: NAMESPACE/NAME, Kind/NAMESPACE/NAME or TRUST-DOMAIN/ns/NAMESPACE/sa/ACCOUNT
    pub(crate) client: String,
    /// Who is called: a workload, a Service or a Gateway, NAMESPACE/NAME or Kind/NAMESPACE/NAME
    pub(crate) server: String,
    /// The port of the container, or of the Service
    #[arg(long)]
    pub(crate) port: u16,
    /// The method of the request
    #[arg(long)]
    pub(crate) method: Option<String>,
    /// Its path, with the query
    #[arg(long)]
    pub(crate) path: Option<String>,
    /// Its host, with the port where the client sends one
    #[arg(long)]
    pub(crate) host: Option<String>,
    /// A header of it; may be given more than once
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) header: Vec<String>,
    /// The address that the connection comes from
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) source_ip: Option<std::net::IpAddr>,
    /// The claims of a token that holds, as JSON or a file of it
    #[arg(long, value_name = "JSON", conflicts_with = "bad_token")]
    pub(crate) jwt_claims: Option<String>,
    /// The request has a token that must not be believed
    #[arg(long)]
    pub(crate) bad_token: bool,
    #[command(flatten)]
    pub(crate) mesh: MeshArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ringwall mesh analyze k8s/
  ringwall mesh analyze --files-only -o json k8s/

The annotation galley.istio.io/analyze-suppress silences codes on its object, as istioctl has it.

Exit codes: 0 no error and no warning, 1 some, 2 wrong usage or unreadable input")]
pub(crate) struct MeshAnalyzeArgs {
    /// Exactly as `istioctl analyze --use-kube=false --all-namespaces` does it: Services, Namespaces, Nodes, Pods and Secrets in files do
    /// not count, and what asks for them is not looked at. Without this flag all objects count, and the ConfigMap `istio` says what the
    /// mesh is set to, as in a cluster
    #[arg(long)]
    pub(crate) files_only: bool,
    #[command(flatten)]
    pub(crate) input: InputArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}
