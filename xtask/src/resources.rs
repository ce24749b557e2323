//! Writes `crates/model/src/resources.txt`: the resources that an API server serves, from what the Kubernetes source says of them.
//!
//! The folder `api/discovery` of k8s.io/kubernetes holds the answers of an API server with every API switched on. It is read here and
//! never by ringwall itself; the test of `ringwall_model::resources` says what must hold of the file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

/// A resource of a group, of all its versions together.
#[derive(Default)]
struct Resource {
    plural: String,
    singular: String,
    kind: String,
    namespaced: bool,
    short_names: Vec<String>,
    /// The verbs by version, in the order of the versions.
    versions: Vec<(String, Vec<String>)>,
    /// The verbs of each subresource, of all versions together.
    subresources: BTreeMap<String, Vec<String>>,
}

/// Reads the folder and writes the file below `root`.
pub(crate) fn run(root: &Path, discovery: &Path) -> Result<(), String> {
    let version = discovery
        .components()
        .find_map(|part| part.as_os_str().to_str()?.split_once("kubernetes@"))
        .map_or("an unknown version", |(_, version)| version);
    let mut text = format!(
        "# The resources that Kubernetes' API servers serve. Made by `cargo xtask resources` from `api/discovery` of k8s.io/kubernetes\n\
         # {version}, all APIs switched on, groups and versions in its order.\n\
         #\n\
         # GROUP VERSION…                                       a group, `-` for the core one, the preferred version first\n\
         #   PLURAL SINGULAR KIND SCOPE SHORTNAMES VERSION=VERBS…  a resource of it; `-` for no short names, `all` for the usual verbs\n\
         #     /SUBRESOURCE VERBS                                its subresources\n"
    );
    let core = read(&discovery.join("api__v1.json"))?;
    write_group(&mut text, "-", &[("v1".to_owned(), core)])?;
    let groups = read(&discovery.join("apis.json"))?;
    for group in list(&groups, "groups") {
        let name = word(group, "name")?;
        let preferred = word(&group["preferredVersion"], "version")?;
        let mut versions: Vec<&str> =
            list(group, "versions").iter().filter_map(|version| version["version"].as_str()).collect();
        versions.sort_by_key(|version| *version != preferred);
        let versions: Vec<(String, Value)> = versions
            .into_iter()
            .map(|version| {
                let file = discovery.join(format!("apis__{name}__{version}.json"));
                Ok((version.to_owned(), read(&file)?))
            })
            .collect::<Result<_, String>>()?;
        write_group(&mut text, name, &versions)?;
    }
    let path = root.join("crates/model/src/resources.txt");
    std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn read(path: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn word<'v>(value: &'v Value, key: &str) -> Result<&'v str, String> {
    value[key].as_str().ok_or_else(|| format!("no `{key}` in {value}"))
}

fn words(value: &Value, key: &str) -> Vec<String> {
    list(value, key).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Verbs as the file has them.
fn joined(verbs: &[String]) -> String {
    let joined = verbs.join(",");
    if joined == "create,delete,deletecollection,get,list,patch,update,watch" {
        "all".to_owned()
    } else {
        joined
    }
}

fn write_group(text: &mut String, group: &str, versions: &[(String, Value)]) -> Result<(), String> {
    let mut resources: Vec<Resource> = Vec::new();
    for (version, document) in versions {
        for entry in list(document, "resources") {
            let name = word(entry, "name")?;
            let verbs = words(entry, "verbs");
            let (plural, subresource) =
                name.split_once('/').map_or((name, None), |(plural, sub)| (plural, Some(sub)));
            let at = match resources.iter().position(|one| one.plural == plural) {
                Some(at) => at,
                None => {
                    resources.push(Resource { plural: plural.to_owned(), ..Resource::default() });
                    resources.len() - 1
                }
            };
            let resource = &mut resources[at];
            match subresource {
                Some(subresource) => {
                    let known = resource.subresources.entry(subresource.to_owned()).or_default();
                    known.extend(verbs);
                    known.sort();
                    known.dedup();
                }
                None => {
                    word(entry, "singularName")?.clone_into(&mut resource.singular);
                    word(entry, "kind")?.clone_into(&mut resource.kind);
                    resource.namespaced = entry["namespaced"].as_bool() == Some(true);
                    resource.short_names = words(entry, "shortNames");
                    resource.versions.push((version.clone(), verbs));
                }
            }
        }
    }
    let names: Vec<&str> = versions.iter().map(|(version, _)| version.as_str()).collect();
    let _ = writeln!(text, "{group} {}", names.join(" "));
    for resource in resources {
        let Resource { plural, singular, kind, .. } = &resource;
        let scope = if resource.namespaced { "namespaced" } else { "cluster" };
        let short =
            if resource.short_names.is_empty() { "-".to_owned() } else { resource.short_names.join(",") };
        let _ = write!(text, "  {plural} {singular} {kind} {scope} {short}");
        for (version, verbs) in &resource.versions {
            let _ = write!(text, " {version}={}", joined(verbs));
        }
        text.push('\n');
        for (subresource, verbs) in &resource.subresources {
            let _ = writeln!(text, "    /{subresource} {}", joined(verbs));
        }
    }
    Ok(())
}
