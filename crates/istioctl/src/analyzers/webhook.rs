//! Webhooks that inject proxies. Source: `pkg/config/analysis/analyzers/webhook/webhook.go`.

use std::collections::{BTreeMap, BTreeSet};

use ringwall_model::path::FieldPath;
use ringwall_model::selector::Selector;

use super::Context;
use super::in_mesh::{INJECT, INJECTION, REVISION};
use super::injection::{selector, selects};
use crate::codes::INVALID_WEBHOOK;
use crate::message::{Place, Reporter};
use crate::reader::{Texts, Value, go_list};
use crate::store::{Kind, Name, Resource};

/// A webhook of Istio's.
struct Hook<'c, 's> {
    holder: &'c Resource<'s>,
    at: usize,
    /// `configuration/webhook`: what it is called in messages.
    name: String,
    hook: Value<'s>,
    namespaces: Option<Selector>,
    objects: Option<Selector>,
}

pub(super) fn run(context: &Context<'_, '_>, reporter: &mut Reporter) {
    let mut hooks: Vec<Hook<'_, '_>> = Vec::new();
    let mut revisions: BTreeSet<&str> = BTreeSet::new();
    for holder in context.store.all(Kind::MutatingWebhookConfiguration) {
        let own = revisions_of(holder);
        let is_istios = holder.root.items("webhooks").any(|hook| hook.text("name").ends_with("istio.io"));
        if own.is_empty() && !is_istios {
            continue;
        }
        revisions.extend(own);
        for (at, hook) in holder.root.items("webhooks").enumerate() {
            hooks.push(Hook {
                holder,
                at,
                name: format!("{}/{}", holder.name, hook.text("name")),
                hook,
                namespaces: selector(hook, "namespaceSelector"),
                objects: selector(hook, "objectSelector"),
            });
        }
    }
    overlaps(&hooks, &revisions, reporter);
    for hook in &hooks {
        let service = hook.hook.at(&["clientConfig", "service"]);
        let name = Name { namespace: service.text("namespace"), name: service.text("name") };
        if service.is_set() && !context.store.has_service(name) {
            let words = format!("Injector refers to a control plane service that does not exist: {name}.");
            let path = FieldPath::keys(&["webhooks"]).index(hook.at).key("clientConfig").key("service");
            reporter.report(INVALID_WEBHOOK, hook.holder, &[&words], Place::Unnamed(path));
        }
    }
}

/// The revisions that webhooks are for.
fn revisions_of<'s>(holder: &Resource<'s>) -> BTreeSet<&'s str> {
    let mut revisions: BTreeSet<&str> = holder.labels.get(REVISION).copied().into_iter().collect();
    for hook in holder.root.items("webhooks") {
        for name in ["namespaceSelector", "objectSelector"] {
            let selector = hook.get(name);
            revisions.extend(selector.map("matchLabels").get(REVISION));
            for expression in selector.items("matchExpressions").filter(|it| it.text("key") == REVISION) {
                revisions.extend(expression.texts("values"));
            }
        }
    }
    revisions
}

/// Labels that a namespace or a pod may have: nothing, on, off, and each with each revision.
fn possible<'s>(
    key: &'static str,
    on_off: [&'static str; 2],
    revisions: &BTreeSet<&'s str>,
) -> Vec<Texts<'s>> {
    let bases = [Texts::new(), Texts::from([(key, on_off[0])]), Texts::from([(key, on_off[1])])];
    let with = |revision: &'s str| {
        bases.clone().map(|mut labels: Texts<'s>| {
            labels.insert(REVISION, revision);
            labels
        })
    };
    let mut all: Vec<Texts<'s>> = bases.to_vec();
    all.extend(revisions.iter().flat_map(|revision| with(revision)));
    all
}

/// For each labels the selectors that select them, by their places; what is selected alike stands once.
fn selected(selectors: &[Option<&Selector>], possible: &[Texts<'_>]) -> BTreeSet<BTreeSet<usize>> {
    let one = |labels: &Texts<'_>| {
        let found = selectors.iter().enumerate().filter(|(_, selector)| selects(**selector, labels));
        found.map(|(at, _)| at).collect::<BTreeSet<usize>>()
    };
    possible.iter().map(one).filter(|found| found.len() > 1).collect()
}

/// Webhooks of which more than one would inject the same pod. Labels that the same webhooks select are looked at once.
fn overlaps(hooks: &[Hook<'_, '_>], revisions: &BTreeSet<&str>, reporter: &mut Reporter) {
    let namespaces: Vec<Option<&Selector>> = hooks.iter().map(|hook| hook.namespaces.as_ref()).collect();
    let namespaces = selected(&namespaces, &possible(INJECTION, ["enabled", "disabled"], revisions));
    let objects: Vec<Option<&Selector>> = hooks.iter().map(|hook| hook.objects.as_ref()).collect();
    let objects = selected(&objects, &possible(INJECT, ["true", "false"], revisions));
    let mut seen: BTreeSet<Vec<usize>> = BTreeSet::new();
    for namespace in &namespaces {
        for object in &objects {
            let both: Vec<usize> = namespace.intersection(object).copied().collect();
            if both.len() > 1 {
                seen.insert(both);
            }
        }
    }
    for both in seen {
        // Webhooks of one name in one object are one; the object is that of the last.
        let named: BTreeMap<&str, &Hook<'_, '_>> =
            both.iter().filter_map(|at| hooks.get(*at)).map(|hook| (hook.name.as_str(), hook)).collect();
        if named.len() < 2 {
            continue;
        }
        for (name, hook) in &named {
            let others = go_list(named.keys().filter(|other| *other != name));
            let words =
                format!("Webhook overlaps with others: {others}. This may cause injection to occur twice.");
            let path = FieldPath::keys(&["webhooks"]).index(hook.at);
            reporter.report(INVALID_WEBHOOK, hook.holder, &[&words], Place::Unnamed(path));
        }
    }
}
