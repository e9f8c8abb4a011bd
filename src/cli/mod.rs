//! The program: arguments, messages, exit codes. The only part that prints or exits.

mod analyze;
pub mod args;
mod compare;
mod config;
mod exit;
mod formats;
mod inputs;
mod messages;
mod output;
mod progress;
mod runs;
mod save;
mod show;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, Command};
use exit::Exit;

/// Runs the program with these arguments, the first of which is its name.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, not errors.
            let code = if error.use_stderr() { Exit::Trouble } else { Exit::Fine };
            let _ = error.print();
            return code.into();
        }
    };
    let outcome = match cli.command {
        None if cli.analyze.input.paths.is_empty() => {
            let _ = Cli::command().print_help();
            Ok(Exit::Trouble)
        }
        None => analyze::run(&cli.analyze),
        Some(Command::Analyze(args)) => analyze::run(&args),
        Some(Command::Compare(args)) => compare::run(&args),
        Some(Command::Save(args)) => save::save(&args),
        Some(Command::Merge(args)) => save::run_merge(&args),
        Some(Command::Formats(args)) => formats::run(&args),
        Some(Command::Show(args)) => show::run(&args),
        Some(Command::Completions { shell }) => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "narrows", &mut text);
            output::stdout(&text).map(|()| Exit::Fine)
        }
        Some(Command::Man) => {
            let mut text = Vec::new();
            let page = clap_mangen::Man::new(Cli::command()).render(&mut text);
            page.map_err(output::stdout_error).and_then(|()| output::stdout(&text)).map(|()| Exit::Fine)
        }
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) if error.is_broken_pipe() => Exit::Fine.into(),
        Err(error) => {
            messages::error(&error);
            Exit::Trouble.into()
        }
    }
}
