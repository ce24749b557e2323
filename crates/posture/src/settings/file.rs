//! What may stand in `ringwall.toml`. The published JSON schema is made from these structs, and a file is checked
//! against that schema before it is read into them: there is one declaration.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use toml::Spanned;

type Text = Spanned<String>;
type Texts = Vec<Text>;

/// The settings of ringwall.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Settings", title = "ringwall.toml")]
pub(super) struct File {
    /// Defaults of `ringwall scan`. What is typed goes before them.
    pub(super) scan: Scan,
    /// Which checks run, and how grave their findings are.
    pub(super) checks: Checks,
    /// Findings that somebody accepts.
    pub(super) exceptions: Vec<Exception>,
    /// How suppressions in manifests are read.
    pub(super) suppressions: Suppressions,
    /// Custom kinds that make pods.
    pub(super) workloads: Vec<Workload>,
    /// Where images may come from, and which of their tags move.
    pub(super) images: Images,
    /// What labels objects must have.
    pub(super) labels: Labels,
    /// What sandboxes run in.
    pub(super) sandboxes: Sandboxes,
    /// Between which amounts the resources of each container must be.
    pub(super) resources: Resources,
}

/// Defaults of `ringwall scan`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Scan {
    /// Which findings make the exit code 1: info, low, medium, high, critical (and above), new, new and a severity such as
    /// `new,high`, or never.
    #[schemars(with = "String")]
    pub(super) fail_on: Option<Text>,
    /// Findings below this severity are not shown: info, low, medium, high, critical.
    #[schemars(with = "String")]
    pub(super) min_severity: Option<Text>,
}

/// Which checks run, and how grave their findings are.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Checks {
    /// Ids or names of checks that do not run, or all.
    #[schemars(with = "Vec<String>")]
    pub(super) disable: Texts,
    /// Ids or names of checks that run although `disable` names them.
    #[schemars(with = "Vec<String>")]
    pub(super) enable: Texts,
    /// Severities that replace those of the checks, by id or name.
    #[schemars(with = "BTreeMap<String, String>")]
    pub(super) severity: BTreeMap<Text, Text>,
}

/// Findings that somebody accepts. All selectors that are given must hold.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Exception {
    /// Ids or names of the checks, or all.
    #[schemars(with = "Vec<String>", extend("minItems" = 1))]
    pub(super) rules: Option<Spanned<Texts>>,
    /// Why the findings are accepted.
    #[schemars(with = "String")]
    pub(super) reason: Option<Text>,
    /// Who accepts them.
    #[schemars(with = "String")]
    pub(super) owner: Option<Text>,
    /// The last day on which the exception holds, as YYYY-MM-DD.
    #[schemars(with = "String", extend("format" = "date"))]
    pub(super) until: Option<Text>,
    /// Kind of the object, in any case; a glob.
    #[schemars(with = "String")]
    pub(super) kind: Option<Text>,
    /// Namespace of the object; a glob.
    #[schemars(with = "String")]
    pub(super) namespace: Option<Text>,
    /// Name of the object; a glob.
    #[schemars(with = "String")]
    pub(super) name: Option<Text>,
    /// Labels that the object has.
    #[schemars(with = "BTreeMap<String, String>")]
    pub(super) labels: BTreeMap<String, String>,
    /// The container that the finding is about; a glob.
    #[schemars(with = "String")]
    pub(super) container: Option<Text>,
    /// The field that the finding is about, such as `spec.volumes[*].hostPath`; a glob.
    #[schemars(with = "String")]
    pub(super) path: Option<Text>,
    /// The file that the finding is located in, as the report names it; a glob, in which `**` crosses directories.
    #[schemars(with = "String")]
    pub(super) file: Option<Text>,
}

/// How suppressions in manifests are read.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Suppressions {
    /// Whether a suppression must say why. One that does not then suppresses nothing.
    pub(super) require_reason: bool,
    /// Whether the suppressions of other scanners count too.
    pub(super) compat_ignores: bool,
}

/// A custom kind that makes pods.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Workload {
    /// API group, such as argoproj.io.
    #[schemars(with = "String")]
    pub(super) group: Option<Text>,
    /// Kind, such as Rollout.
    #[schemars(with = "String")]
    pub(super) kind: Option<Text>,
    /// Where its pod template is, such as spec.template; `[]` behind a key stands for each item of a list, `{}` for each value
    /// of a mapping.
    #[schemars(with = "String")]
    pub(super) template: Option<Text>,
    /// What stands there: template (metadata and spec), or spec. Without it, template.
    #[schemars(with = "String")]
    pub(super) shape: Option<Text>,
}

/// Where images may come from, and which of their tags move.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Images {
    /// Registries, or registries and the beginning of a path, that images may come from. Without it, from anywhere.
    #[schemars(with = "Vec<String>")]
    pub(super) allowed_registries: Texts,
    /// Registries, or registries and the beginning of a path, that images must not come from.
    #[schemars(with = "Vec<String>")]
    pub(super) blocked_registries: Texts,
    /// Tags that move, beside those that do so by their name, such as latest.
    #[schemars(with = "Vec<String>")]
    pub(super) floating_tags: Texts,
    /// Registries, or registries and the beginning of a path, whose images need no digest.
    #[schemars(with = "Vec<String>")]
    pub(super) digest_exempt: Texts,
}

/// What labels objects must have.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Labels {
    /// Keys of labels that the pods of every workload must have.
    #[schemars(with = "Vec<String>")]
    pub(super) required: Texts,
    /// Keys of labels of which the pods of every workload must have one. Without it, app.kubernetes.io/name and the like.
    #[schemars(with = "Vec<String>")]
    pub(super) recommended: Texts,
}

/// What sandboxes run in.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Sandboxes {
    /// Runtime classes that a sandbox of agents.x-k8s.io may have. Without it, any.
    #[schemars(with = "Vec<String>")]
    pub(super) runtime_classes: Texts,
}

/// Between which amounts the resources of each container must be.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Resources {
    /// Of `resources.limits.cpu`.
    pub(super) cpu_limit: Bounds,
    /// Of `resources.requests.cpu`.
    pub(super) cpu_request: Bounds,
    /// Of `resources.limits.memory`.
    pub(super) memory_limit: Bounds,
    /// Of `resources.requests.memory`.
    pub(super) memory_request: Bounds,
}

/// The least and the most of an amount.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Bounds {
    /// The least, such as 100m or 64Mi.
    #[schemars(with = "String")]
    pub(super) least: Option<Text>,
    /// The most, such as 2 or 1Gi.
    #[schemars(with = "String")]
    pub(super) most: Option<Text>,
}

/// The JSON schema of the file, with nothing behind references.
pub(super) fn schema() -> serde_json::Value {
    // TOML has no null: a key without a default is left out.
    let no_null = RecursiveTransform(|schema: &mut Schema| {
        if schema.get("default").is_some_and(serde_json::Value::is_null) {
            schema.remove("default");
        }
    });
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .with_transform(no_null);
    let mut schema = settings.into_generator().into_root_schema_for::<File>().to_value();
    // Whether a map keeps its order depends on what else is in the build; sorted it is always the same.
    schema.sort_all_objects();
    schema
}
