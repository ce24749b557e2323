//! What the API server changes in a pod before admission sees it, as far as a check can tell.
//!
//! On for manifests; off in the webhook, which gets pods that have been through it.
//! Sources in k8s.io/kubernetes: `pkg/apis/core/v1/defaults.go` (`SetDefaults_Volume`, `SetDefaults_Pod`),
//! `pkg/registry/core/pod/strategy.go` (`applyAppArmorVersionSkew`).

use ringwall_model::decode::List;

use crate::evidence::Offence;
use crate::model::{Container, Place, PodTemplate, Profile, SecurityContext};

/// What the key of an annotation begins with that sets a container's AppArmor profile; the container's name follows.
pub(crate) const APP_ARMOR_ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";

/// Applies API defaulting to a pod, or to the pod template of a workload.
///
/// - A volume without a source becomes an emptyDir, in pods and templates.
/// - In a pod (not in a template) with `hostNetwork`, each port of a container or init container without `hostPort`
///   gets its `containerPort` as one.
/// - In a pod (not in a template, not for Windows), a container's AppArmor annotation becomes its field, where
///   the field is not set and differs from the pod's.
pub fn apply(template: &mut PodTemplate<'_>, is_pod: bool) {
    for volume in template.spec.volumes.as_mut_slice() {
        if volume.is_sourceless() {
            volume.make_empty_dir();
        }
    }
    if !is_pod {
        return;
    }
    if template.spec.host_network {
        open_host_ports(&mut template.spec.containers);
        open_host_ports(&mut template.spec.init_containers);
    }
    if !template.spec.is_windows() {
        copy_app_armor_annotations(template);
    }
}

/// Whether [`apply`] may have set the field that the offence is about: a hostPort of hostNetwork, or a container's AppArmor
/// profile of its annotation. A manifest that lacks the field tells the rest.
pub fn may_have_made(template: &PodTemplate<'_>, is_pod: bool, offence: &Offence<'_>) -> bool {
    let Place::Container { list, index } = offence.place else { return false };
    match offence.field {
        _ if !is_pod => false,
        "ports[].hostPort" => template.spec.host_network,
        "securityContext.appArmorProfile.type" => {
            let container = template.spec.list(list).get(index as usize);
            let key = |name: &str| format!("{APP_ARMOR_ANNOTATION}{name}");
            container
                .is_some_and(|container| template.metadata.annotations.get(&key(container.name)).is_some())
        }
        _ => false,
    }
}

fn open_host_ports(containers: &mut List<Container<'_>>) {
    for container in containers.as_mut_slice() {
        container.ports.open_on_node();
    }
}

fn copy_app_armor_annotations(template: &mut PodTemplate<'_>) {
    let annotations = &template.metadata.annotations;
    if annotations.is_empty() {
        return;
    }
    let pod_profile =
        template.spec.security_context.as_ref().and_then(|context| context.app_armor_profile.clone());
    let spec = &mut template.spec;
    for list in [&mut spec.init_containers, &mut spec.containers, &mut spec.ephemeral_containers] {
        for container in list.as_mut_slice() {
            if container.security_context.as_ref().is_some_and(|context| context.app_armor_profile.is_some())
            {
                continue;
            }
            let key = format!("{APP_ARMOR_ANNOTATION}{}", container.name);
            let Some(profile) = annotations.get(&key).and_then(profile_of) else { continue };
            // A profile equal to the pod's is not repeated. The name of a local profile tells no verdict apart, and a
            // pod-level profile that differs in nothing else gives the same answers, so types are compared alone.
            if pod_profile.as_ref().is_some_and(|pod| pod.kind() == profile.kind()) {
                continue;
            }
            container.security_context.get_or_insert_with(SecurityContext::default).app_armor_profile =
                Some(profile);
        }
    }
}

/// The field that an annotation stands for; `None` where it is not valid.
/// Source: `ApparmorFieldForAnnotation` in k8s.io/kubernetes `pkg/api/pod/util.go`, `ValidateAppArmorProfileField` in
/// `pkg/apis/core/validation/validation.go`.
fn profile_of(annotation: &str) -> Option<Profile<'static>> {
    let kind = match annotation {
        "unconfined" => "Unconfined",
        "runtime/default" => "RuntimeDefault",
        _ => {
            let name = annotation.strip_prefix("localhost/")?;
            if name.is_empty() || name.trim() != name || name.len() > 4095 {
                return None;
            }
            "Localhost"
        }
    };
    Some(Profile::new(kind))
}
