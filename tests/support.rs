//! Running the program, and reading what it says.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What a run left behind.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Run {
    fn new(output: Output) -> Run {
        let stderr = String::from_utf8(output.stderr).expect("messages are UTF-8");
        assert!(!stderr.contains("panicked"), "{stderr}");
        let code = output.status.code().unwrap_or_else(|| panic!("killed: {:?}: {stderr}", output.status));
        Run { code, stdout: output.stdout, stderr }
    }

    /// Standard output.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("reports are UTF-8")
    }

    /// Standard output, read as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}\n{}", self.text(), self.stderr))
    }

    /// Asserts the exit code.
    pub(crate) fn exits(self, code: i32) -> Run {
        assert_eq!(self.code, code, "exit code; messages: {}", self.stderr);
        self
    }

    /// Asserts that the messages hold all of these.
    pub(crate) fn says(self, parts: &[&str]) -> Run {
        for part in parts {
            assert!(self.stderr.contains(part), "no {part:?} in: {}", self.stderr);
        }
        self
    }
}

/// The program, in a folder of which no setting can come.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_narrows"));
    command.current_dir(folder).stdin(Stdio::null()).env_remove("NO_COLOR");
    command
}

/// Runs the program in the root of the repository.
pub(crate) fn narrows(args: &[&str]) -> Run {
    Run::new(program(root()).args(args).output().expect("the program starts"))
}

/// A folder of its own for one test, with files that the test writes.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a temporary folder"))
    }

    /// A folder with one file.
    pub(crate) fn with(name: &str, bytes: impl AsRef<[u8]>) -> Folder {
        let folder = Folder::new();
        folder.write(name, bytes);
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs the program in the folder.
    pub(crate) fn narrows(&self, args: &[&str]) -> Run {
        Run::new(program(self.path()).args(args).output().expect("the program starts"))
    }

    /// Runs the program in the folder with some standard input.
    pub(crate) fn narrows_reading(&self, args: &[&str], input: &[u8]) -> Run {
        let mut command = program(self.path());
        let mut child = command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        Run::new(output)
    }
}

/// A whole number at a path such as `/requests/count`.
pub(crate) fn int(json: &Value, pointer: &str) -> i64 {
    json.pointer(pointer).and_then(Value::as_i64).unwrap_or_else(|| panic!("no whole number at {pointer} of {json}"))
}

/// A number at a path.
pub(crate) fn number(json: &Value, pointer: &str) -> f64 {
    json.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number at {pointer} of {json}"))
}

/// A text at a path.
pub(crate) fn text<'a>(json: &'a Value, pointer: &str) -> &'a str {
    json.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no text at {pointer} of {json}"))
}

/// The rows of an array.
pub(crate) fn rows<'a>(json: &'a Value, key: &str) -> &'a [Value] {
    json[key].as_array().unwrap_or_else(|| panic!("no array {key} in {json}"))
}
