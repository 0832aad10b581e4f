#![allow(missing_docs, clippy::all, unreachable_pub, dead_code)]
pub mod metrics {
    #[path = "../../../benches/evaluation/src/metrics/ndcg.rs"]
    pub mod ndcg;
}
#[path = "../../benches/evaluation/src/related.rs"]
pub mod related;
#[path = "../../benches/evaluation/src/retrieval.rs"]
pub mod retrieval;
use retrieval::*;
fn npy(name: &str) -> Vec<Vec<f32>> {
    let b = std::fs::read(format!("/tmp/idx/{name}.npy")).unwrap();
    let h = u16::from_le_bytes([b[8], b[9]]) as usize + 10;
    let f: Vec<f32> = b[h..]
        .chunks_exact(4)
        .map(|c| f32::from_le_bytes([c[0], c[1], c[2], c[3]]))
        .collect();
    f.chunks_exact(384).map(|c| c.to_vec()).collect()
}
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let d = "/work/shared/datasets/";
    if args[0] == "retrieval" {
        let mut m: Vec<datasets::corpora::qmsum::QmsumMeeting> =
            datasets::corpora::read_file(std::path::Path::new(&format!("{d}qmsum/{}.jsonl", args[1]))).unwrap();
        let third = args.get(2).is_some_and(|a| a == "third");
        if third {
            m = m.into_iter().step_by(3).collect();
        }
        let split = args[1].clone();
        let qtrain = npy("q_train");
        let all: Vec<datasets::corpora::qmsum::QmsumMeeting> =
            datasets::corpora::read_file(std::path::Path::new(&format!("{d}qmsum/train.jsonl"))).unwrap();
        let _ = (&qtrain, &all);
        let embed = |t: &[&str]| -> Result<Vec<Vec<f32>>, Box<dyn std::error::Error + Send + Sync>> {
            for n in [
                format!("w_{split}"),
                "w_train3".to_owned(),
                format!("q_{split}"),
                "q_train3".to_owned(),
            ] {
                if std::path::Path::new(&format!("/tmp/idx/{n}.npy")).exists() {
                    let v = npy(&n);
                    if v.len() == t.len() {
                        return Ok(v);
                    }
                }
            }
            Err(format!("no cache for {}", t.len()).into())
        };
        for scope in [RetrievalScope::Meeting, RetrievalScope::All] {
            for e in [false, true] {
                let r = retrieval::evaluate(&m, scope, if e { Some(&embed) } else { None });
                match r {
                    Ok(r) => println!("{}", serde_json::to_string(&r).unwrap()),
                    Err(e) => println!("{e:?}"),
                }
            }
        }
    } else {
        let mut m: Vec<datasets::corpora::ami::AmiMeeting> = Vec::new();
        for f in &args[1..] {
            m.extend(
                datasets::corpora::read_file::<datasets::corpora::ami::AmiMeeting>(std::path::Path::new(&format!(
                    "{d}{f}.jsonl"
                )))
                .unwrap(),
            );
        }
        println!(
            "{}",
            serde_json::to_string(&related::evaluate(&m, true).unwrap()).unwrap()
        );
    }
}
