//! What the named paths stand for, and how files are called.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ringwall_input::{Input, NoteKind, Options, Progress, load};

use crate::{Dir, Seen, config_map};

#[test]
fn a_directory_is_read_by_extension_and_in_order() {
    let dir = Dir::new();
    for path in ["b.yml", "a.yaml", "z/c.json", "a/d.yaml", "a.b/e.YAML"] {
        dir.write(path, config_map(&path.replace(['/', '.'], "-").to_lowercase()));
    }
    dir.write("notes.txt", config_map("no"));
    dir.write("z/c.json", r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "c"}}"#);
    let seen = dir.read(&["."]);
    assert_eq!(
        seen.objects,
        [
            "a.b/e.YAML: ConfigMap a-b-e-yaml",
            "a.yaml: ConfigMap a-yaml",
            "a/d.yaml: ConfigMap a-d-yaml",
            "b.yml: ConfigMap b-yml",
            "z/c.json: Pod c",
        ]
    );
    assert!(seen.problems.is_empty() && seen.notes.is_empty(), "{:?} {:?}", seen.problems, seen.notes);
    assert_eq!(seen.input.counts.files, 5);
    assert_eq!(seen.input.counts.objects, 5);
}

#[test]
fn a_named_file_is_read_whatever_its_extension() {
    let dir = Dir::with(&[("pod.txt", &config_map("a")), (".hidden", &config_map("b"))]);
    let seen = dir.read(&["pod.txt", ".hidden"]);
    assert_eq!(seen.objects, [".hidden: ConfigMap b", "pod.txt: ConfigMap a"]);
}

#[test]
fn neither_the_order_of_arguments_nor_the_number_of_threads_changes_the_result() {
    let dir = Dir::new();
    for index in 0..60 {
        dir.write(&format!("{}/f{index}.yaml", index % 7), config_map(&format!("c{index}")));
    }
    dir.write("3/broken.yaml", "a: [");
    let read = |threads: usize, paths: &[&str]| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| dir.read(paths))
    };
    let one = read(1, &["0", "1", "2", "3", "4", "5", "6"]);
    let four = read(4, &["6", "3", "5", "4", "2", "0", "1", "3/f3.yaml", "./3"]);
    assert_eq!(one.objects.len(), 60);
    assert_eq!(one.objects, four.objects);
    assert_eq!(one.problems, four.problems);
    assert_eq!(one.input.counts, four.input.counts);
}

#[test]
fn names_are_those_the_user_gave() {
    // Tests run in the directory of the crate.
    let names = |path: &str| {
        let options = Options { render: false, ..Options::default() };
        let input = load(&[PathBuf::from(path)], &mut std::io::empty(), &options, &());
        input.objects.first().map(|object| object.source().name().to_owned())
    };
    let base = "tests/it/fixtures/shop/base/deployment.yaml";
    assert_eq!(names("./tests/it/fixtures/shop/base").as_deref(), Some(base));
    assert_eq!(names("tests//it/./fixtures/shop/base/").as_deref(), Some(base));
    assert_eq!(names("./tests/it/fixtures/shop/base/deployment.yaml").as_deref(), Some(base));
    assert_eq!(
        names("../input/tests/it/fixtures/shop/base").as_deref(),
        Some(format!("../input/{base}").as_str())
    );
}

#[test]
fn ignored_and_hidden_files_are_left_out_also_outside_of_a_repository() {
    let dir = Dir::with(&[
        (".gitignore", "out/\n*.gen.yaml\n"),
        ("a.yaml", &config_map("a")),
        ("b.gen.yaml", &config_map("b")),
        ("out/c.yaml", &config_map("c")),
        (".github/d.yaml", &config_map("d")),
    ]);
    assert_eq!(dir.read(&["."]).objects, ["a.yaml: ConfigMap a"]);
    // What is named is read.
    assert_eq!(
        dir.read(&["out", "b.gen.yaml"]).objects,
        ["b.gen.yaml: ConfigMap b", "out/c.yaml: ConfigMap c"]
    );
}

#[test]
fn what_is_not_there_is_a_problem_and_the_rest_is_read() {
    let dir = Dir::with(&[("a.yaml", &config_map("a"))]);
    let seen = dir.read(&["missing.yaml", "a.yaml", "nor/this"]);
    assert_eq!(seen.objects, ["a.yaml: ConfigMap a"]);
    assert_eq!(
        seen.problems,
        ["missing.yaml: no such file or directory", "nor/this: no such file or directory"]
    );
}

#[test]
fn a_directory_with_nothing_to_read_is_noted() {
    let dir = Dir::with(&[("docs/readme.md", "# hi"), ("a.yaml", &config_map("a"))]);
    let seen = dir.read(&["docs", "a.yaml"]);
    assert_eq!(
        seen.notes,
        ["docs: holds no .yaml, .yml or .json file that is neither hidden nor ignored by Git"]
    );
    assert_eq!(seen.input.notes[0].kind, NoteKind::Empty);
}

#[test]
fn standard_input_is_a_text_among_others() {
    let dir = Dir::with(&[("a.yaml", &config_map("a"))]);
    let paths = [PathBuf::from("-"), dir.path("a.yaml"), PathBuf::from("-")];
    let mut stdin = "kind: Pod\napiVersion: v1\nmetadata: {name: x}\n---\n{".as_bytes();
    let seen = Seen::new(load(&paths, &mut stdin, &Options::default(), &()), dir.0.path());
    assert_eq!(seen.objects, ["a.yaml: ConfigMap a", "<stdin>: Pod x"].map(str::to_owned).as_slice());
    assert!(seen.problems[0].starts_with("<stdin>:5:"), "{:?}", seen.problems);
}

#[derive(Default)]
struct Bar {
    found: AtomicUsize,
    done: Mutex<Vec<(PathBuf, u64)>>,
}

impl Progress for Bar {
    fn found(&self, files: usize) {
        self.found.fetch_max(files, Ordering::Relaxed);
    }

    fn done(&self, file: &Path, bytes: u64) {
        self.done.lock().expect("a lock").push((file.to_owned(), bytes));
    }
}

#[test]
fn progress_reaches_its_end() {
    let text = config_map("a");
    let dir =
        Dir::with(&[("a.yaml", &text), ("web/Chart.yaml", "name: web"), ("web/templates/x.yaml", "{{ }}")]);
    dir.write("k/kustomization.yaml", "resources: [a.txt]\npatches: [{path: p.yaml}]");
    dir.write("k/a.txt", config_map("b"));
    dir.write("k/p.yaml", config_map("c"));
    dir.write("x.yaml", [0]);
    let bar = Bar::default();
    let options = Options { render: false, ..Options::default() };
    let input: Input = load(&[dir.path("."), "-".into()], &mut &b"a: 1"[..], &options, &bar);
    let done = bar.done.into_inner().expect("a lock");
    assert_eq!(done.len(), bar.found.into_inner(), "{done:?}");
    assert!(done.contains(&(dir.path("./a.yaml"), text.len() as u64)), "{done:?}");
    assert_eq!(done.iter().map(|(_, bytes)| bytes).sum::<u64>(), input.counts.bytes);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn links_to_files_are_followed_and_loops_of_directories_are_not() {
        let dir = Dir::with(&[("real/a.yaml", &config_map("a")), ("else/b.yaml", &config_map("b"))]);
        symlink(dir.path("real"), dir.path("real/loop")).expect("a link");
        symlink("..", dir.path("real/up")).expect("a link");
        symlink(dir.path("else"), dir.path("real/else")).expect("a link");
        symlink("../else/b.yaml", dir.path("real/b.yaml")).expect("a link");
        symlink("nowhere.yaml", dir.path("real/broken.yaml")).expect("a link");
        let seen = dir.read(&["real"]);
        assert_eq!(seen.objects, ["real/a.yaml: ConfigMap a", "real/b.yaml: ConfigMap b"]);
        assert_eq!(seen.problems, ["real/broken.yaml: no such file or directory"]);
    }

    #[test]
    fn a_named_link_to_a_directory_is_followed() {
        let dir = Dir::with(&[("real/a.yaml", &config_map("a"))]);
        symlink("real", dir.path("link")).expect("a link");
        assert_eq!(dir.read(&["link"]).objects, ["link/a.yaml: ConfigMap a"]);
    }

    #[test]
    fn a_link_to_itself_is_a_problem() {
        let dir = Dir::new();
        symlink("self.yaml", dir.path("self.yaml")).expect("a link");
        for path in [".", "self.yaml"] {
            let problems = dir.read(&[path]).problems;
            assert!(problems.len() == 1 && problems[0].starts_with("self.yaml: "), "{problems:?}");
        }
    }

    #[test]
    fn a_file_that_is_reached_twice_is_read_once() {
        let dir = Dir::with(&[("b/a.yaml", &config_map("a"))]);
        symlink("b/a.yaml", dir.path("a.yaml")).expect("a link");
        let seen = dir.read(&[".", "b", "b/../b/a.yaml"]);
        assert_eq!(seen.input.counts.files, 1);
        assert_eq!(dir.read(&["."]).objects, ["b/a.yaml: ConfigMap a"], "the file goes before the link");
        for paths in [["a.yaml", "b/a.yaml"], ["b/a.yaml", "a.yaml"]] {
            assert_eq!(dir.read(&paths).objects, ["b/a.yaml: ConfigMap a"]);
        }
    }

    #[test]
    fn what_may_not_be_read_is_a_problem_and_the_rest_is_read() {
        let dir = Dir::with(&[("a.yaml", &config_map("a")), ("b.yaml", "a: 1"), ("c/d.yaml", "a: 1")]);
        let forbid = |path: &str, mode| {
            fs::set_permissions(dir.path(path), fs::Permissions::from_mode(mode)).expect("permissions");
        };
        forbid("b.yaml", 0);
        forbid("c", 0);
        if fs::read(dir.path("b.yaml")).is_ok() {
            crate::programs::say(format_args!("skipped: root may read everything"));
            return;
        }
        let seen = dir.read(&["."]);
        forbid("c", 0o755);
        assert_eq!(seen.objects, ["a.yaml: ConfigMap a"]);
        assert_eq!(seen.problems, ["b.yaml: permission denied", "c: permission denied"]);
    }

    fn pipe(dir: &Dir, name: &str) {
        let made = Command::new("mkfifo").arg(dir.path(name)).status().expect("mkfifo");
        assert!(made.success());
    }

    #[test]
    fn sockets_and_pipes_in_a_directory_are_skipped() {
        let dir = Dir::with(&[("a.yaml", &config_map("a"))]);
        let _socket = UnixListener::bind(dir.path("s.yaml")).expect("a socket");
        pipe(&dir, "p.yaml");
        symlink("p.yaml", dir.path("q.yaml")).expect("a link");
        let seen = dir.read(&["."]);
        assert_eq!(seen.objects, ["a.yaml: ConfigMap a"]);
        assert_eq!(seen.problems, [""; 0]);
    }

    #[test]
    fn a_named_pipe_is_read() {
        let dir = Dir::new();
        pipe(&dir, "p");
        let path = dir.path("p");
        let writer = std::thread::spawn(move || {
            let mut pipe = fs::OpenOptions::new().write(true).open(path).expect("the pipe");
            pipe.write_all(config_map("piped").as_bytes()).expect("written");
        });
        let seen = dir.read(&["p"]);
        writer.join().expect("the writer");
        assert_eq!(seen.objects, ["p: ConfigMap piped"]);
    }

    #[test]
    fn an_endless_device_is_read_no_further_than_the_limit() {
        let options = Options {
            limits: ringwall_input::Limits { bytes: 1000, ..Default::default() },
            ..Options::default()
        };
        let input = load(&["/dev/zero".into()], &mut std::io::empty(), &options, &());
        assert_eq!(
            input.problems[0].to_string(),
            "/dev/zero: too large: more than the 1000 bytes that are read"
        );
    }
}
