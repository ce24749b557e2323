//! `WasmPlugin` and `TrafficExtension`. Source: istio.io/istio `pkg/config/validation/validation.go` (`ValidateWasmPlugin`, `ValidateTrafficExtension`).

use std::collections::HashSet;

use super::attachment::attachment;
use super::proto::Value;
use super::words::{parse_request_uri, parse_url};
use super::{Complaint, Config, Verdict};

pub(super) fn plugin(config: &Config<'_>, verdict: &mut Verdict) {
    let spec = &config.spec;
    attachment(spec, spec.get("targetRef"), verdict);
    module(spec, 255, verdict);
    if let Some(complaint) = match_error(spec) {
        verdict.refuse(complaint);
    }
}

pub(super) fn traffic_extension(config: &Config<'_>, verdict: &mut Verdict) {
    let spec = &config.spec;
    let (wasm, lua) = (spec.get("wasm"), spec.get("lua"));
    if wasm.is_some() == lua.is_some() {
        verdict.error(spec.path.clone(), "exactly one of wasm or lua must be set");
    }
    attachment(spec, None, verdict);
    if let Some(lua) = lua {
        let error = match lua.text("inlineCode").len() {
            0 => Some("lua.inlineCode cannot be empty"),
            1..=65536 => None,
            _ => Some("lua.inlineCode exceeds maximum size of 64KB"),
        };
        verdict.error_if(&lua, "inlineCode", error.map(str::to_owned));
    }
    if let Some(wasm) = wasm {
        module(&wasm, 256, verdict);
    }
    if let Some(complaint) = match_error(spec) {
        verdict.refuse(complaint);
    }
}

/// What both kinds say of a module; `most` is the length of a name as it is told.
fn module(spec: &Value<'_>, most: usize, verdict: &mut Verdict) {
    verdict.error_if(spec, "url", url_error(spec.text("url")));
    verdict.error_if(spec, "sha256", sha_error(spec.text("sha256")));
    if spec.text("imagePullSecret").len() > 253 {
        let message = "imagePullSecret field must be less than 253 characters long";
        verdict.error(spec.at("imagePullSecret"), message);
    }
    if spec.text("pluginName").len() > 256 {
        let message = format!("pluginName field must be less than {most} characters long");
        verdict.error(spec.at("pluginName"), message);
    }
    if let Some(complaint) = spec.get("vmConfig").as_ref().and_then(environment_error) {
        verdict.refuse(complaint);
    }
}

/// Source: `validateWasmPluginURL`, `strictParseURL`.
fn url_error(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("url field needs to be set".to_owned());
    }
    let strict =
        |text: &str| parse_url(text).err().map(|error| format!("failed to strict parse url: {error}"));
    let url = match parse_request_uri(text) {
        Ok(url) => match strict(text) {
            Some(error) => return Some(error),
            None => url,
        },
        Err(error) => {
            let text = format!("http://{text}");
            let Ok(url) = parse_request_uri(&text) else {
                return Some(format!("failed to parse url: {error}"));
            };
            match strict(&text) {
                Some(error) => return Some(error),
                None => url,
            }
        }
    };
    let is_known = matches!(url.scheme.as_str(), "" | "file" | "http" | "https" | "oci");
    (!is_known).then(|| format!("url contains unsupported scheme: {}", url.scheme))
}

/// Source: `validateWasmPluginSHA`.
fn sha_error(text: &str) -> Option<String> {
    if !text.is_empty() && text.len() != 64 {
        return Some("sha256 field must be 64 characters long".to_owned());
    }
    let is_hex = text.bytes().all(|byte| matches!(byte, b'a'..=b'f' | b'0'..=b'9'));
    (!is_hex).then(|| "sha256 field must match [a-f0-9]{64} pattern".to_owned())
}

/// The first thing that is wrong with the variables of a virtual machine. Source: `validateWasmPluginVMConfig`.
fn environment_error(vm: &Value<'_>) -> Option<Complaint> {
    let mut names = HashSet::new();
    vm.items("env").into_iter().find_map(|variable| {
        let name = variable.text("name");
        let message = if name.is_empty() {
            "spec.vmConfig.env invalid"
        } else if name.len() > 256 {
            "env.name field must be less than 255 characters long"
        } else if !names.insert(name) {
            "duplicate env"
        } else if variable.choice("valueFrom") != 0 && variable.has_text("value") {
            "value may only be set when valueFrom is INLINE"
        } else {
            return None;
        };
        Some(Complaint::new(variable.path, message))
    })
}

/// The first port that is none. Source: `validateWasmPluginMatch`, `validateTrafficExtensionMatch`.
fn match_error(spec: &Value<'_>) -> Option<Complaint> {
    for (number, selector) in spec.items("match").into_iter().enumerate() {
        for (index, port) in selector.items("ports").into_iter().enumerate() {
            let value = port.number("number");
            if !(1..=65535).contains(&value) {
                let message = format!("spec.Match[{number}].Ports[{index}] is out of range: {value}");
                return Some(Complaint::new(port.at("number"), message));
            }
        }
    }
    None
}
