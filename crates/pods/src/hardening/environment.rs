//! Secrets in the environment, and names that are given twice.

use ringwall_model::check::Check;
use ringwall_model::control::{cis, mitre, nsa};
use ringwall_model::finding::Severity;

use super::repair::Repair;
use super::{At, EVERY_VERSION, Flaw, HardeningCheck, Subject, who};

pub(super) const SECRET: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-046",
        name: "secret-in-environment",
        severity: Severity::Low,
        summary: "a container gets a Secret through its environment",
        what: "An entry of `env` has `valueFrom.secretKeyRef`, or one of `envFrom` has `secretRef`.",
        why: "The environment is inherited by each child process, printed by crash reports and debug pages, and read by whoever may \
              look into `/proc` of the process.",
        fix: "Mount the Secret as a volume, or let the program fetch it from a secret store.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n    env:\n    - name: PASSWORD\n      valueFrom:\n        secretKeyRef:\n          \
              name: db\n          key: password\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n    volumeMounts:\n    - name: db\n      mountPath: /secrets/db\n      \
               readOnly: true\n  volumes:\n  - name: db\n    secret:\n      secretName: db\n",
        versions: EVERY_VERSION,
        references: &["https://kubernetes.io/docs/concepts/security/secrets-good-practices/"],
        controls: &[cis("5.4.1"), nsa("Secrets"), mitre("T1552")],
    },
    find: secret,
    repair: Repair::Manual("the program must read the file instead of the variable"),
};

pub(super) const DUPLICATE: HardeningCheck = HardeningCheck {
    about: Check {
        id: "RW-POD-047",
        name: "duplicate-environment-variable",
        severity: Severity::Low,
        summary: "a container defines an environment variable twice",
        what: "Two entries of a container's `env` have the same name.",
        why: "The last one counts; server-side apply and some tools drop one of them without a word. What a reviewer reads is not what \
              runs.",
        fix: "Keep the entry that is meant.",
        bad: "kind: Pod\nspec:\n  containers:\n  - name: web\n    env:\n    - name: MODE\n      value: strict\n    - name: MODE\n      value: lax\n",
        good: "kind: Pod\nspec:\n  containers:\n  - name: web\n    env:\n    - name: MODE\n      value: strict\n",
        versions: EVERY_VERSION,
        references: &[
            "https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-container/",
        ],
        controls: &[],
    },
    find: duplicate,
    repair: Repair::Manual("which of the values is meant is not in the manifest"),
};

fn secret(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    for (place, container) in subject.pod.spec.all() {
        for (index, variable) in container.env.iter().enumerate() {
            let Some(secret) = variable.value_from.as_ref().and_then(|from| from.secret.as_ref()) else {
                continue;
            };
            let message = format!(
                "{} gets {} of Secret \"{}\" in the variable {}",
                who(place, container),
                if secret.key.is_empty() { "a value" } else { secret.key },
                secret.name,
                variable.name
            );
            let at = At::Template(place, "env[].valueFrom.secretKeyRef", index as u32);
            let name = At::Template(place, "env[].name", index as u32);
            let witness = format!("{}/{}", container.name, variable.name);
            flaws.push(Flaw::present(at, witness, message).related(name));
        }
        for (index, from) in container.env_from.iter().enumerate() {
            let Some(secret) = &from.secret else { continue };
            let message = format!(
                "{} gets all of Secret \"{}\" in its environment",
                who(place, container),
                secret.name
            );
            let at = At::Template(place, "envFrom[].secretRef", index as u32);
            flaws.push(Flaw::present(at, format!("{}/{}", container.name, secret.name), message));
        }
    }
}

fn duplicate(subject: &Subject<'_, '_>, flaws: &mut Vec<Flaw>) {
    for (place, container) in subject.pod.spec.all() {
        let names: Vec<&str> = container.env.iter().map(|variable| variable.name).collect();
        let mut sorted: Vec<usize> = (0..names.len()).collect();
        sorted.sort_by_key(|index| (names[*index], *index));
        for same in sorted.chunk_by(|a, b| names[*a] == names[*b]).filter(|same| same.len() > 1) {
            let at = |index: usize| At::Template(place, "env[].name", index as u32);
            let name = names[same[0]];
            let message =
                format!("{} defines {name} {} times; the last one counts", who(place, container), same.len());
            // It is one thing to mend: the first that does not count, with the others beside it.
            let mut flaw = Flaw::present(at(same[0]), format!("{}/{name}", container.name), message);
            flaw.related = same[1..].iter().map(|index| at(*index)).collect();
            flaws.push(flaw);
        }
    }
}
