//! Writes `crates/model/src/resources.txt`: the resources that an API server serves, from what the Kubernetes source says of them.
//!
//! The folder `api/discovery` of k8s.io/kubernetes holds the answers of an API server with every API switched on; those of older versions tell
//! since when a version of a resource is there. It is read here and never by ringwall itself; the test of `ringwall_model::resources` says what must hold of the file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A resource of a group, of all its versions together.
#[derive(Default)]
struct Resource {
    plural: String,
    singular: String,
    kind: String,
    namespaced: bool,
    short_names: Vec<String>,
    /// The verbs by version, in the order of the versions, and the minor version of Kubernetes since which it is there, where an older one lacks it.
    versions: Vec<(String, Option<u32>, Vec<String>)>,
    /// The verbs of each subresource, of all versions together.
    subresources: BTreeMap<String, Vec<String>>,
}

/// What an older Kubernetes serves.
struct Older {
    minor: u32,
    /// Group with version, as `apiVersion` has it, and the plural.
    known: BTreeSet<(String, String)>,
}

/// The version of Kubernetes that a folder is of, by the name of the module that it is in.
fn version_of(discovery: &Path) -> Option<&str> {
    discovery.components().find_map(|part| Some(part.as_os_str().to_str()?.split_once("kubernetes@")?.1))
}

fn older(discovery: &Path) -> Result<Older, String> {
    let minor = version_of(discovery)
        .and_then(|version| version.strip_prefix("v1.")?.split('.').next()?.parse().ok())
        .ok_or_else(|| format!("{}: of which version is it?", discovery.display()))?;
    let mut known = BTreeSet::new();
    let mut add = |file: &str| -> Result<(), String> {
        let document = read(&discovery.join(file))?;
        for entry in list(&document, "resources") {
            known.insert((word(&document, "groupVersion")?.to_owned(), word(entry, "name")?.to_owned()));
        }
        Ok(())
    };
    add("api__v1.json")?;
    for group in list(&read(&discovery.join("apis.json"))?, "groups") {
        let name = word(group, "name")?;
        for version in list(group, "versions") {
            add(&format!("apis__{name}__{}.json", word(version, "version")?))?;
        }
    }
    Ok(Older { minor, known })
}

/// The minor version since which it is there; `None` where all that are known have it.
fn since(group: &str, version: &str, plural: &str, older: &[Older]) -> Option<u32> {
    let api_version = if group == "-" { version.to_owned() } else { format!("{group}/{version}") };
    let lacks = |one: &&Older| !one.known.contains(&(api_version.clone(), plural.to_owned()));
    older.iter().filter(lacks).map(|one| one.minor + 1).max()
}

/// Reads the folders, that of the newest version first, and writes the file below `root`.
pub(crate) fn run(root: &Path, discovery: &[PathBuf]) -> Result<(), String> {
    let [discovery, others @ ..] = discovery else { return Err("no folder is given".to_owned()) };
    let older: Vec<Older> = others.iter().map(|one| older(one)).collect::<Result<_, _>>()?;
    let version = version_of(discovery).unwrap_or("an unknown version");
    let mut text = format!(
        "# The resources that Kubernetes' API servers serve. Made by `cargo xtask resources` from `api/discovery` of k8s.io/kubernetes\n\
         # {version}, all APIs switched on, groups and versions in its order.\n\
         #\n\
         # GROUP VERSION…                                       a group, `-` for the core one, the preferred version first\n\
         #   PLURAL SINGULAR KIND SCOPE SHORTNAMES VERSION=VERBS…  a resource of it; `-` for no short names, `all` for the usual verbs;\n\
         #                                                      a version that is new since v1.34 has its minor: `v1@36`\n\
         #     /SUBRESOURCE VERBS                                its subresources\n"
    );
    let core = read(&discovery.join("api__v1.json"))?;
    write_group(&mut text, "-", &[("v1".to_owned(), core)], &older)?;
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
        write_group(&mut text, name, &versions, &older)?;
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

fn write_group(
    text: &mut String,
    group: &str,
    versions: &[(String, Value)],
    older: &[Older],
) -> Result<(), String> {
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
                    resource.versions.push((version.clone(), since(group, version, plural, older), verbs));
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
        for (version, since, verbs) in &resource.versions {
            let since = since.map_or_else(String::new, |minor| format!("@{minor}"));
            let _ = write!(text, " {version}{since}={}", joined(verbs));
        }
        text.push('\n');
        for (subresource, verbs) in &resource.subresources {
            let _ = writeln!(text, "    /{subresource} {}", joined(verbs));
        }
    }
    Ok(())
}
