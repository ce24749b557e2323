//! Fields that count no more. Source: `pkg/config/analysis/analyzers/deprecation/deprecation.go`.

use ringwall_model::path::FieldPath;

use super::Context;
use crate::codes::DEPRECATED;
use crate::message::{Place, Reporter};
use crate::store::Kind;

pub(super) fn run(context: &Context<'_, '_>, reporter: &mut Reporter) {
    for service in context.store.all(Kind::VirtualService) {
        for (at, route) in service.spec.items("http").enumerate() {
            let delay = route.at(&["fault", "delay"]);
            if delay.number("percent").is_some_and(|percent| percent > 0) {
                let path = FieldPath::keys(&["spec", "http"]).index(at);
                let words =
                    "HTTPRoute.fault.delay.percent is deprecated; use HTTPRoute.fault.delay.percentage";
                let place = Place::Unnamed(path.key("fault").key("delay").key("percent"));
                reporter.report(DEPRECATED, service, &[words], place);
            }
        }
    }
    for sidecar in context.store.all(Kind::Sidecar) {
        if sidecar.spec.at(&["outboundTrafficPolicy", "egressProxy"]).is_set() {
            let place = Place::Unnamed(FieldPath::keys(&["spec", "outboundTrafficPolicy", "egressProxy"]));
            reporter.report(DEPRECATED, sidecar, &["OutboundTrafficPolicy.EgressProxy ignored"], place);
        }
    }
}
