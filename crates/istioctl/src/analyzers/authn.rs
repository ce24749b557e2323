//! Whether istiod may fetch keys from anywhere. Source: `pkg/config/analysis/analyzers/authn/blockedcidrs.go`.

use ringwall_model::path::FieldPath;

use super::Context;
use crate::codes::JWKS_URI_FETCH_UNRESTRICTED;
use crate::message::{Place, Reporter};
use crate::store::Kind;

const VARIABLE: &str = "BLOCKED_CIDRS_IN_JWKS_URIS";
/// So many names are told.
const SHOWN: usize = 5;

pub(super) fn run(context: &Context<'_, '_>, reporter: &mut Reporter) {
    let asking = context.store.all(Kind::RequestAuthentication);
    if asking.is_empty() {
        return;
    }
    let names: Vec<String> = asking.iter().take(SHOWN).map(|resource| resource.name.to_string()).collect();
    let mut names = names.join(", ");
    if asking.len() > SHOWN {
        names.push_str(&format!(", and {} more", asking.len() - SHOWN));
    }
    for deployment in context.store.all(Kind::Deployment).iter().filter(|it| it.label("app") == "istiod") {
        let template = deployment.spec.at(&["template", "spec"]);
        let mut variables = template.items("containers").flat_map(|container| container.items("env"));
        if !variables.any(|variable| variable.text("name") == VARIABLE && !variable.text("value").is_empty())
        {
            let place = Place::Unnamed(FieldPath::keys(&["spec", "template", "spec", "containers"]));
            reporter.report(
                JWKS_URI_FETCH_UNRESTRICTED,
                deployment,
                &[&asking.len().to_string(), &names],
                place,
            );
        }
    }
}
