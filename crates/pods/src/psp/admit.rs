//! PodSecurityPolicy's admission: whether a policy admits a pod, and what it writes into it on the way.
//!
//! Source: `MutatePod` and `ValidatePod` in k8s.io/kubernetes v1.24 `pkg/security/podsecuritypolicy/provider.go`, with the
//! strategies beside it.

use ringwall_model::decode::List;
use ringwall_model::path::FieldPath;

use super::fields::{profile_field, profile_type, sysctl_matches};
use super::model::{
    APP_ARMOR_ALLOWED, APP_ARMOR_DEFAULT, PodSecurityPolicy, Rule, SECCOMP_ALLOWED, SECCOMP_DEFAULT,
    SeLinuxLabel, Strategy,
};
use super::pod::{Container, Pod, Volume};
use crate::checks::SAFE_SYSCTLS;
use crate::model::{self, Place, PodTemplate, Profile, SecurityContext};

const SECCOMP_POD_ANNOTATION: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER_ANNOTATION: &str = "container.seccomp.security.alpha.kubernetes.io/";

/// How many of the sysctls that are safe by now PodSecurityPolicy took for safe.
/// Source: `SafeSysctlAllowlist` in k8s.io/kubernetes v1.24 `pkg/security/podsecuritypolicy/sysctl`.
const SAFE_THEN: usize = 5;

/// A field that a policy writes into a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<'t> {
    /// The part of the pod.
    pub place: Place,
    /// What is written.
    pub setting: Setting<'t>,
    /// The policy's field that asks for it, as in [`super::fields::FIELDS`].
    pub source: &'static str,
}

/// What a policy can write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting<'t> {
    /// `securityContext.supplementalGroups`.
    SupplementalGroups(i64),
    /// `securityContext.fsGroup`.
    FsGroup(i64),
    /// `securityContext.seLinuxOptions`.
    SeLinux(SeLinuxLabel<'t>),
    /// `securityContext.seccompProfile`; the name that annotations give it.
    Seccomp(&'t str),
    /// `securityContext.appArmorProfile`; the name that annotations give it.
    AppArmor(&'t str),
    /// `runtimeClassName`.
    RuntimeClass(&'t str),
    /// `securityContext.runAsUser`.
    RunAsUser(i64),
    /// `securityContext.runAsGroup`.
    RunAsGroup(i64),
    /// `securityContext.runAsNonRoot: true`.
    RunAsNonRoot,
    /// `securityContext.capabilities.add`: these are added to what is there.
    AddCapabilities(Vec<&'t str>),
    /// `securityContext.capabilities.drop`: these are added to what is there.
    DropCapabilities(Vec<&'t str>),
    /// `securityContext.readOnlyRootFilesystem: true`.
    ReadOnlyRootFilesystem,
    /// `securityContext.allowPrivilegeEscalation`.
    AllowPrivilegeEscalation(bool),
}

impl Setting<'_> {
    /// The field, below its place.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::SupplementalGroups(_) => "securityContext.supplementalGroups",
            Self::FsGroup(_) => "securityContext.fsGroup",
            Self::SeLinux(_) => "securityContext.seLinuxOptions",
            Self::Seccomp(_) => "securityContext.seccompProfile",
            Self::AppArmor(_) => "securityContext.appArmorProfile",
            Self::RuntimeClass(_) => "runtimeClassName",
            Self::RunAsUser(_) => "securityContext.runAsUser",
            Self::RunAsGroup(_) => "securityContext.runAsGroup",
            Self::RunAsNonRoot => "securityContext.runAsNonRoot",
            Self::AddCapabilities(_) => "securityContext.capabilities.add",
            Self::DropCapabilities(_) => "securityContext.capabilities.drop",
            Self::ReadOnlyRootFilesystem => "securityContext.readOnlyRootFilesystem",
            Self::AllowPrivilegeEscalation(_) => "securityContext.allowPrivilegeEscalation",
        }
    }

    /// The value, as a manifest of today writes it in one line.
    pub fn value(&self) -> String {
        match self {
            Self::SupplementalGroups(id) => format!("[{id}]"),
            Self::FsGroup(id) | Self::RunAsUser(id) | Self::RunAsGroup(id) => id.to_string(),
            Self::SeLinux(label) => {
                let parts = [
                    ("user", label.user),
                    ("role", label.role),
                    ("type", label.kind),
                    ("level", label.level),
                ];
                let set = parts.into_iter().filter(|(_, value)| !value.is_empty());
                let set: Vec<String> = set.map(|(key, value)| format!("{key}: {value:?}")).collect();
                format!("{{{}}}", set.join(", "))
            }
            Self::Seccomp(profile) | Self::AppArmor(profile) => profile_field(profile),
            Self::RuntimeClass(name) => (*name).to_owned(),
            Self::RunAsNonRoot | Self::ReadOnlyRootFilesystem => "true".to_owned(),
            Self::AddCapabilities(names) | Self::DropCapabilities(names) => format!("[{}]", names.join(", ")),
            Self::AllowPrivilegeEscalation(allow) => allow.to_string(),
        }
    }
}

impl<'t> Change<'t> {
    /// The field's path, from the pod template.
    pub fn path(&self) -> FieldPath {
        model::below(self.place, self.setting.field(), 0)
    }

    /// Writes the change into a pod, as far as the standards look at it.
    pub fn apply(&self, pod: &mut PodTemplate<'t>) {
        let Place::Container { list, index } = self.place else {
            let context = pod.spec.security_context.get_or_insert_default();
            match &self.setting {
                Setting::SeLinux(label) => context.se_linux_options = Some(Box::new(plain(label))),
                Setting::Seccomp(profile) => {
                    context.seccomp_profile = Some(Profile::new(profile_type(profile)));
                }
                Setting::RuntimeClass(name) => pod.spec.runtime_class_name = Some(name),
                _ => {}
            }
            return;
        };
        let containers = match list {
            model::ContainerList::Init => &mut pod.spec.init_containers,
            model::ContainerList::Ordinary => &mut pod.spec.containers,
            model::ContainerList::Ephemeral => &mut pod.spec.ephemeral_containers,
        };
        let Some(container) = containers.as_mut_slice().get_mut(index as usize) else { return };
        let context = container.security_context.get_or_insert_with(SecurityContext::default);
        match &self.setting {
            Setting::SeLinux(label) => context.se_linux_options = Some(Box::new(plain(label))),
            Setting::AppArmor(profile) => {
                context.app_armor_profile = Some(Profile::new(profile_type(profile)));
            }
            Setting::RunAsUser(id) => context.run_as_user = Some(*id),
            Setting::RunAsNonRoot => context.run_as_non_root = Some(true),
            Setting::AllowPrivilegeEscalation(allow) => context.allow_privilege_escalation = Some(*allow),
            Setting::AddCapabilities(names) => {
                let capabilities = context.capabilities.get_or_insert_default();
                let all: Vec<&str> = capabilities.add.iter().chain(names).copied().collect();
                capabilities.add = List::from(all);
            }
            Setting::DropCapabilities(names) if names.contains(&"ALL") => {
                context.capabilities.get_or_insert_default().drop.drop_all();
            }
            _ => {}
        }
    }
}

fn plain<'t>(label: &SeLinuxLabel<'t>) -> model::SeLinuxOptions<'t> {
    model::SeLinuxOptions { kind: label.kind, user: label.user, role: label.role }
}

/// Whether a policy admits a pod: what it writes into it (nothing, where it admits the pod as it is).
///
/// The policy must not be [`super::unusable`].
///
/// # Errors
/// The fields of the pod that the policy refuses, from the pod template.
pub fn admit<'t>(policy: &PodSecurityPolicy<'t>, pod: &Pod<'t>) -> Result<Vec<Change<'t>>, Vec<FieldPath>> {
    let mut pod = pod.clone();
    let changes = mutate(policy, &mut pod);
    let refused = Validator { policy, pod: &pod }.run();
    if refused.is_empty() { Ok(changes) } else { Err(refused) }
}

/// What a strategy writes where nothing is stated.
fn generated(strategy: &Strategy<'_>) -> Option<i64> {
    let lowest = strategy.ranges.as_slice().first().map(|range| range.min);
    lowest.filter(|_| strategy.rule() == Some(Rule::MustRunAs))
}

fn mutate<'t>(policy: &PodSecurityPolicy<'t>, pod: &mut Pod<'t>) -> Vec<Change<'t>> {
    let spec = &policy.spec;
    let mut changes = Vec::new();
    let mut write = |place, source, setting| changes.push(Change { place, setting, source });
    let demanded = spec.se_linux.options.as_ref().filter(|_| spec.se_linux.rule == "MustRunAs");

    let context = &mut pod.spec.security_context;
    if context.supplemental_groups.is_empty()
        && let Some(id) = generated(&spec.supplemental_groups)
    {
        context.supplemental_groups = List::from(vec![id]);
        write(Place::Pod, "supplementalGroups", Setting::SupplementalGroups(id));
    }
    if context.fs_group.is_none()
        && let Some(id) = generated(&spec.fs_group)
    {
        context.fs_group = Some(id);
        write(Place::Pod, "fsGroup", Setting::FsGroup(id));
    }
    if context.se_linux_options.is_none()
        && let Some(label) = demanded
    {
        context.se_linux_options = Some(label.clone());
        write(Place::Pod, "seLinux", Setting::SeLinux(label.clone()));
    }
    let has_annotation =
        pod.metadata.annotations.get(SECCOMP_POD_ANNOTATION).is_some_and(|value| !value.is_empty());
    let default = policy.annotation(SECCOMP_DEFAULT).filter(|profile| !profile.is_empty());
    if !has_annotation
        && context.seccomp_profile.is_none()
        && let Some(profile) = default
    {
        pod.metadata.annotations.insert(SECCOMP_POD_ANNOTATION, profile);
        write(Place::Pod, SECCOMP_DEFAULT, Setting::Seccomp(profile));
    }
    if pod.spec.runtime_class_name.is_none()
        && let Some(name) = spec.runtime_class.as_ref().and_then(|class| class.default)
    {
        pod.spec.runtime_class_name = Some(name);
        write(Place::Pod, "runtimeClass.defaultRuntimeClassName", Setting::RuntimeClass(name));
    }

    let of_pod = pod.spec.security_context.clone();
    let places: Vec<(Place, bool)> = pod
        .spec
        .places()
        .into_iter()
        .map(|(place, container)| (place, pod.app_armor(container).is_some()))
        .collect();
    for (place, has_app_armor) in places {
        let Some(container) = pod.spec.container_mut(place) else { continue };
        let own = container.context().cloned().unwrap_or_default();
        let mut user = own.run_as_user.or(of_pod.run_as_user);
        if user.is_none()
            && let Some(id) = generated(&spec.run_as_user)
        {
            user = Some(id);
            container.context_mut().run_as_user = user;
            write(place, "runAsUser", Setting::RunAsUser(id));
        }
        if own.run_as_group.or(of_pod.run_as_group).is_none()
            && let Some(id) = spec.run_as_group.as_ref().and_then(generated)
        {
            container.context_mut().run_as_group = Some(id);
            write(place, "runAsGroup", Setting::RunAsGroup(id));
        }
        if !has_app_armor
            && let Some(profile) = policy.annotation(APP_ARMOR_DEFAULT).filter(|profile| !profile.is_empty())
        {
            container.context_mut().app_armor_default = Some(profile);
            write(place, APP_ARMOR_DEFAULT, Setting::AppArmor(profile));
        }
        if own.run_as_non_root.or(of_pod.run_as_non_root).is_none()
            && user.is_none()
            && spec.run_as_user.rule() == Some(Rule::MustRunAsNonRoot)
        {
            container.context_mut().run_as_non_root = Some(true);
            write(place, "runAsUser", Setting::RunAsNonRoot);
        }
        capabilities(policy, container, place, &mut write);
        if spec.read_only_root_filesystem && own.read_only_root_filesystem.is_none() {
            container.context_mut().read_only_root_filesystem = Some(true);
            write(place, "readOnlyRootFilesystem", Setting::ReadOnlyRootFilesystem);
        }
        if own.allow_privilege_escalation.is_none() {
            let default = spec.default_allow_privilege_escalation;
            let refused = (!policy.allows_privilege_escalation()).then_some(false);
            if let Some(allow) = default.or(refused) {
                let source = match default {
                    Some(_) => "defaultAllowPrivilegeEscalation",
                    None => "allowPrivilegeEscalation",
                };
                container.context_mut().allow_privilege_escalation = Some(allow);
                write(place, source, Setting::AllowPrivilegeEscalation(allow));
            }
        }
    }
    changes
}

fn capabilities<'t>(
    policy: &PodSecurityPolicy<'t>,
    container: &mut Container<'t>,
    place: Place,
    write: &mut impl FnMut(Place, &'static str, Setting<'t>),
) {
    let own = container.context().and_then(|context| context.capabilities.clone()).unwrap_or_default();
    let missing = |wanted: &List<&'t str>, there: &[&List<&'t str>]| -> Vec<&'t str> {
        let mut missing: Vec<&str> = wanted
            .iter()
            .filter(|name| !there.iter().any(|list| list.iter().any(|it| it == *name)))
            .copied()
            .collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    };
    let add = missing(&policy.spec.default_add_capabilities, &[&own.add, &own.drop]);
    let drop = missing(&policy.spec.required_drop_capabilities, &[&own.drop]);
    if add.is_empty() && drop.is_empty() {
        return;
    }
    let with = |list: &List<&'t str>, more: &[&'t str]| -> List<&'t str> {
        List::from(list.iter().chain(more).copied().collect::<Vec<_>>())
    };
    let both = super::pod::Capabilities { add: with(&own.add, &add), drop: with(&own.drop, &drop) };
    container.context_mut().capabilities = Some(both);
    if !add.is_empty() {
        write(place, "defaultAddCapabilities", Setting::AddCapabilities(add));
    }
    if !drop.is_empty() {
        write(place, "requiredDropCapabilities", Setting::DropCapabilities(drop));
    }
}

/// Judges a pod that was mutated.
struct Validator<'a, 't> {
    policy: &'a PodSecurityPolicy<'t>,
    pod: &'a Pod<'t>,
}

impl<'t> Validator<'_, 't> {
    fn run(&self) -> Vec<FieldPath> {
        let (policy, pod) = (&self.policy.spec, &self.pod.spec);
        let context = &pod.security_context;
        let mut refused = Vec::new();
        let mut refuse = |bad: bool, place: Place, field: &str| {
            if bad {
                refused.push(model::below(place, field, 0));
            }
        };
        refuse(
            !groups_fit(&policy.fs_group, context.fs_group.as_slice()),
            Place::Pod,
            "securityContext.fsGroup",
        );
        let groups = context.supplemental_groups.as_slice();
        refuse(
            !groups_fit(&policy.supplemental_groups, groups),
            Place::Pod,
            "securityContext.supplementalGroups",
        );
        refuse(!self.seccomp_fits(&self.pod_seccomp()), Place::Pod, "securityContext.seccompProfile");
        let label = context.se_linux_options.as_ref();
        refuse(!self.label_fits(label), Place::Pod, "securityContext.seLinuxOptions");
        refuse(pod.host_network && !policy.host_network, Place::Pod, "hostNetwork");
        refuse(pod.host_pid && !policy.host_pid, Place::Pod, "hostPID");
        refuse(pod.host_ipc && !policy.host_ipc, Place::Pod, "hostIPC");
        let sysctls = context.sysctls.iter().all(|sysctl| self.sysctl_fits(sysctl.name));
        refuse(!sysctls, Place::Pod, "securityContext.sysctls");
        for (index, volume) in pod.volumes.iter().enumerate() {
            refuse(!self.volume_fits(volume), Place::Volume(index as u32), "");
        }
        if let (Some(class), Some(name)) = (&policy.runtime_class, pod.runtime_class_name) {
            let fits = class.allowed.iter().any(|allowed| *allowed == "*" || *allowed == name);
            refuse(!fits, Place::Pod, "runtimeClassName");
        }
        for (place, container) in pod.places() {
            self.container(place, container, &mut refuse);
        }
        refused
    }

    fn container(&self, place: Place, container: &Container<'t>, refuse: &mut impl FnMut(bool, Place, &str)) {
        let policy = &self.policy.spec;
        let of_pod = &self.pod.spec.security_context;
        let own = container.context().cloned().unwrap_or_default();
        let user = own.run_as_user.or(of_pod.run_as_user);
        let non_root = own.run_as_non_root.or(of_pod.run_as_non_root);
        match policy.run_as_user.rule() {
            Some(Rule::MustRunAs) => {
                let fits = user.is_some_and(|user| policy.run_as_user.holds(user));
                refuse(!fits, place, "securityContext.runAsUser");
            }
            Some(Rule::MustRunAsNonRoot) => {
                refuse(non_root == Some(false), place, "securityContext.runAsNonRoot");
                refuse(user == Some(0), place, "securityContext.runAsUser");
            }
            _ => {}
        }
        if let Some(strategy) = &policy.run_as_group {
            let group = own.run_as_group.or(of_pod.run_as_group);
            refuse(!groups_fit(strategy, group.as_slice()), place, "securityContext.runAsGroup");
        }
        let label = own.se_linux_options.as_ref().or(of_pod.se_linux_options.as_ref());
        refuse(!self.label_fits(label), place, "securityContext.seLinuxOptions");
        if let Some(allowed) = self.policy.profiles(APP_ARMOR_ALLOWED) {
            let profile = own.app_armor_default.map(str::to_owned).or_else(|| self.pod.app_armor(container));
            // An unset profile is refused even where the list holds an empty entry.
            let fits = profile.is_some_and(|profile| allowed.contains(&profile.as_str()));
            refuse(!fits, place, "securityContext.appArmorProfile");
        }
        let seccomp = self.container_seccomp(container);
        refuse(!self.seccomp_fits(&seccomp), place, "securityContext.seccompProfile");
        refuse(own.privileged == Some(true) && !policy.privileged, place, "securityContext.privileged");
        let proc_mount = own.proc_mount.filter(|kind| !kind.is_empty()).unwrap_or("Default");
        let kinds = policy.allowed_proc_mount_types.as_slice();
        let fits = if kinds.is_empty() { proc_mount == "Default" } else { kinds.contains(&proc_mount) };
        refuse(!fits, place, "securityContext.procMount");
        if let Some(capabilities) = &own.capabilities
            && !policy.allowed_capabilities.iter().any(|allowed| *allowed == "*")
        {
            let may = policy.allowed_capabilities.iter().chain(&policy.default_add_capabilities);
            let may: Vec<&str> = may.copied().collect();
            let fits = capabilities.add.iter().all(|capability| may.contains(capability));
            refuse(!fits, place, "securityContext.capabilities.add");
        }
        let ports = container.ports.iter().all(|port| {
            port.host_port <= 0
                || policy.host_ports.iter().any(|range| (range.min..=range.max).contains(&port.host_port))
        });
        refuse(!ports, place, "ports");
        let read_only = own.read_only_root_filesystem == Some(true);
        let field = "securityContext.readOnlyRootFilesystem";
        refuse(policy.read_only_root_filesystem && !read_only, place, field);
        let escalates = own.allow_privilege_escalation != Some(false);
        let field = "securityContext.allowPrivilegeEscalation";
        refuse(!self.policy.allows_privilege_escalation() && escalates, place, field);
    }

    fn pod_seccomp(&self) -> String {
        let annotation =
            self.pod.metadata.annotations.get(SECCOMP_POD_ANNOTATION).filter(|value| !value.is_empty());
        let field = self.pod.spec.security_context.seccomp_profile.as_ref();
        annotation
            .map(str::to_owned)
            .or_else(|| field.map(super::pod::ProfileField::annotation))
            .unwrap_or_default()
    }

    fn container_seccomp(&self, container: &Container<'t>) -> String {
        if let Some(field) = container.context().and_then(|context| context.seccomp_profile.as_ref()) {
            return field.annotation();
        }
        let key = format!("{SECCOMP_CONTAINER_ANNOTATION}{}", container.name);
        if let Some(annotation) = self.pod.metadata.annotations.get(&key) {
            return annotation.to_owned();
        }
        let field = self.pod.spec.security_context.seccomp_profile.as_ref();
        let annotation = self.pod.metadata.annotations.get(SECCOMP_POD_ANNOTATION).unwrap_or_default();
        field.map_or_else(|| annotation.to_owned(), super::pod::ProfileField::annotation)
    }

    fn seccomp_fits(&self, profile: &str) -> bool {
        let Some(allowed) = self.policy.profiles(SECCOMP_ALLOWED) else { return profile.is_empty() };
        let runtime = |name: &str| matches!(name, "runtime/default" | "docker/default");
        allowed
            .iter()
            .any(|allowed| *allowed == "*" || *allowed == profile || (runtime(allowed) && runtime(profile)))
    }

    fn label_fits(&self, label: Option<&SeLinuxLabel<'_>>) -> bool {
        let demanded = self.policy.spec.se_linux.options.as_ref();
        let Some(demanded) = demanded.filter(|_| self.policy.spec.se_linux.rule == "MustRunAs") else {
            return true;
        };
        label.is_some_and(|label| {
            levels_equal(demanded.level, label.level)
                && (demanded.role, demanded.kind, demanded.user) == (label.role, label.kind, label.user)
        })
    }

    fn sysctl_fits(&self, name: &str) -> bool {
        let spec = &self.policy.spec;
        let any = |patterns: &List<&str>| patterns.iter().any(|pattern| sysctl_matches(pattern, name));
        !any(&spec.forbidden_sysctls)
            && (SAFE_SYSCTLS[..SAFE_THEN].contains(&name) || any(&spec.allowed_unsafe_sysctls))
    }

    fn volume_fits(&self, volume: &Volume<'_>) -> bool {
        let policy = &self.policy.spec;
        let Some(fs_type) = volume.fs_type() else { return false };
        let token =
            fs_type == "projected" && self.policy.allows_volume("secret") && volume.projected.is_token_only();
        if !self.policy.allows_volume(fs_type) && !token {
            return false;
        }
        match fs_type {
            "hostPath" => self.host_path_fits(volume),
            "flexVolume" => {
                let drivers = &policy.allowed_flex_volumes;
                drivers.is_empty()
                    || drivers.iter().any(|allowed| allowed.driver == volume.flex_volume.driver)
            }
            "csi" => {
                let drivers = &policy.allowed_csi_drivers;
                drivers.is_empty() || drivers.iter().any(|allowed| allowed.name == volume.csi.driver)
            }
            _ => true,
        }
    }

    fn host_path_fits(&self, volume: &Volume<'_>) -> bool {
        let paths = &self.policy.spec.allowed_host_paths;
        let mut fitting =
            paths.iter().filter(|path| is_below(volume.host_path.path, path.path_prefix)).peekable();
        if paths.is_empty() {
            return true;
        }
        if fitting.peek().is_none() {
            return false;
        }
        let read_only = fitting.all(|path| path.read_only);
        let mounts = |container: &Container<'_>| {
            container.volume_mounts.iter().all(|mount| mount.name != volume.name || mount.read_only)
        };
        !read_only || self.pod.spec.places().iter().all(|(_, container)| mounts(container))
    }
}

/// Whether a path is a prefix's, or below it.
fn is_below(path: &str, prefix: &str) -> bool {
    let trimmed = |text: &'_ str| text.strip_suffix('/').map_or(text.len(), str::len);
    let (path, prefix) = (&path[..trimmed(path)], &prefix[..trimmed(prefix)]);
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn groups_fit(strategy: &Strategy<'_>, groups: &[i64]) -> bool {
    let within = groups.iter().all(|group| strategy.holds(*group));
    match strategy.rule() {
        Some(Rule::MustRunAs) => within && !groups.is_empty(),
        Some(Rule::MayRunAs) => within,
        _ => true,
    }
}

/// Whether two SELinux levels are the same: the order of categories does not count.
fn levels_equal(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let (Some((a, a_categories)), Some((b, b_categories))) = (a.split_once(':'), b.split_once(':')) else {
        return false;
    };
    let sorted = |text: &str| {
        let mut parts: Vec<String> = text.split(',').map(str::to_owned).collect();
        parts.sort_unstable();
        parts
    };
    a == b && sorted(a_categories) == sorted(b_categories)
}
