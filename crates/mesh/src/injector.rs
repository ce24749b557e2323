//! How the injector is set: which pods it leaves out, and what goes past the proxies that it makes.
//!
//! Sources: istio.io/istio `pkg/kube/inject/inject.go` (`injectRequired`) and
//! `manifests/charts/istio-control/istio-discovery/files/injection-template.yaml`.

use ringwall_model::selector::Selector;

use crate::place::{Place, value};
use crate::workloads::Workload;

/// What becomes of a pod that does not say whether it wants a sidecar, and that the webhook is asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Policy {
    /// It gets one. The default.
    #[default]
    Enabled,
    /// It gets none.
    Disabled,
    /// No policy that the injector knows: nobody gets one, whatever he says.
    Off,
}

/// What goes past proxies where the annotations of their pods do not say; nothing where it is as usual.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyDefaults {
    /// `includeInboundPorts`.
    pub include_inbound: Option<String>,
    /// `excludeInboundPorts`.
    pub exclude_inbound: Option<String>,
    /// `includeOutboundPorts`.
    pub include_outbound: Option<String>,
    /// `excludeOutboundPorts`.
    pub exclude_outbound: Option<String>,
    /// `includeIPRanges`.
    pub include_ranges: Option<String>,
    /// `excludeIPRanges`.
    pub exclude_ranges: Option<String>,
    /// Where they are written.
    pub place: Option<Place>,
}

impl ProxyDefaults {
    /// What counts for a workload: its annotation, also where that is empty, and else what the mesh says.
    pub fn stated<'s>(&'s self, workload: &'s Workload, annotation: &str) -> Option<&'s str> {
        workload.annotation(annotation).or_else(|| self.of(annotation))
    }

    fn of(&self, annotation: &str) -> Option<&str> {
        let field = match annotation.strip_prefix("traffic.sidecar.istio.io/")? {
            "includeInboundPorts" => &self.include_inbound,
            "excludeInboundPorts" => &self.exclude_inbound,
            "includeOutboundPorts" => &self.include_outbound,
            "excludeOutboundPorts" => &self.exclude_outbound,
            "includeOutboundIPRanges" => &self.include_ranges,
            "excludeOutboundIPRanges" => &self.exclude_ranges,
            _ => return None,
        };
        field.as_deref()
    }
}

/// The injector's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Injector {
    /// Whether sidecars are injected where nothing is said: `sidecarInjectorWebhook.enableNamespacesByDefault`.
    pub by_default: bool,
    /// What becomes of pods that do not say.
    pub policy: Policy,
    /// Pods that do not say and match one of these get none.
    pub never: Vec<Selector>,
    /// And those that match one of these get one.
    pub always: Vec<Selector>,
    /// Where that is written.
    pub place: Option<Place>,
    /// What goes past the proxies.
    pub proxy: ProxyDefaults,
}

impl Injector {
    /// Whether a pod that the webhook is asked about, and that does not refuse, is left out. `asks` is what its label says, or else its
    /// annotation.
    pub(crate) fn leaves_out(&self, workload: &Workload, asks: Option<&str>) -> bool {
        let chooses = |list: &[Selector]| {
            list.iter().any(|selector| {
                !selector.is_everything() && selector.matches(|key| value(&workload.labels, key))
            })
        };
        match self.policy {
            Policy::Off => true,
            _ if asks == Some("true") => false,
            _ if chooses(&self.never) => true,
            Policy::Enabled => false,
            Policy::Disabled => !chooses(&self.always),
        }
    }
}
