//! The commands on words, from files to what they print; the table for COCO is what they build.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::{TempDir, tempdir};

const WORDNET: &str = "/usr/share/wordnet";

const INDEX: &str = "  1 a licence
car n 1 2 @ ~ 1 1 00000002
automobile n 1 1 @ 1 1 00000002
taxi n 1 1 @ 1 1 00000003
vehicle n 1 1 ~ 1 1 00000001
";

const DATA: &str = "  1 a licence
00000001 06 n 01 vehicle 0 001 ~ 00000002 n 0000 | what carries
00000002 06 n 02 car 0 automobile 0 002 @ 00000001 n 0000 ~ 00000003 n 0000 | four wheels
00000003 06 n 01 taxi 0 001 @ 00000002 n 0000 | with a driver
";

fn words(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_armol-trainer"))
        .arg("words")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the program starts")
}

fn standard_output(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A folder with a WordNet of three synsets, a vocabulary and rules.
fn folder() -> TempDir {
    let folder = tempdir().unwrap();
    for (name, text) in [
        ("index.noun", INDEX),
        ("data.noun", DATA),
        ("cars.names", "# what drives\nCar\n\nboat\n"),
        ("rules.toml", "[[target]]\nname = \"boat\"\nadd = [\"ferry\"]\nwhy = \"it floats\"\n"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

const OWN: [&str; 6] =
    ["--vocabulary", "cars.names", "--wordnet", ".", "--overrides", "rules.toml"];

fn with_own<'all>(arguments: &[&'all str]) -> Vec<&'all str> {
    [arguments, &OWN].concat()
}

#[test]
fn a_table_is_built_with_what_it_was_made_from() {
    let folder = folder();
    let output = words(&with_own(&["build", "--out", "own.json"]), folder.path());
    let told = standard_output(&output);
    assert!(told.starts_with("5 words for 2 targets\nWordNet does not have boat: only"), "{told}");
    let table = fs::read_to_string(folder.path().join("own.json")).unwrap();
    let expected =
        "{\n  \"Car\": 0, \"automobile\": 0, \"taxi\": 0,\n  \"boat\": 1, \"ferry\": 1\n}\n";
    assert_eq!(table, expected);
    let sources = fs::read_to_string(folder.path().join("own.sources.json")).unwrap();
    let sources: Value = serde_json::from_str(&sources).unwrap();
    assert_eq!(sources["vocabulary"]["name"], "cars.names");
    let names: Vec<&Value> =
        sources["sources"].as_array().unwrap().iter().map(|each| &each["name"]).collect();
    assert_eq!(names, ["index.noun", "data.noun", "rules.toml"]);
}

#[test]
fn an_explanation_says_the_way_as_text_and_as_json() {
    let folder = folder();
    let arguments = with_own(&["explain", "Taxis", "ferry", "vehicle"]);
    let told = standard_output(&words(&arguments, folder.path()));
    assert_eq!(
        told,
        "Taxis -> taxi -> synset taxi.n.01 -> car.n.01 (kind of target \"Car\", 1 below it)\n\
         ferry (listed by the rule for target \"boat\": it floats)\n\
         vehicle -> nowhere (vehicle.n.01 is below no target)\n  near: Car, 1 step by vehicle.n.01\n"
    );
    let told = standard_output(&words(&[&arguments[..], &["--json"]].concat(), folder.path()));
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told[0]["target"], "Car");
    assert_eq!(told[0]["synsets"][1], "car.n.01");
    assert_eq!(told[2]["group"], Value::Null);
    assert_eq!(told[2]["near"][0]["steps"], 1);
}

#[test]
fn a_check_tells_coverage_and_differences_and_exits_with_1_where_targets_are_lacking() {
    let folder = folder();
    let table = r#"{"Car": 0, "taxi": 0, "ferry": 5, "Ferry": 0}"#;
    fs::write(folder.path().join("table.json"), table).unwrap();
    fs::write(folder.path().join("other.json"), r#"{"taxi": 0, "vehicle": 0}"#).unwrap();
    fs::write(folder.path().join("labels.names"), "Taxi\nVehicle\n").unwrap();
    let arguments = [
        "check",
        "table.json",
        "--targets",
        "cars.names",
        "--vocabulary",
        "labels.names",
        "--against",
        "other.json",
        "--wordnet",
        ".",
        "--overrides",
        "rules.toml",
        "--json",
    ];
    let output = words(&arguments, folder.path());
    assert_eq!(output.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["lacking"][0], "boat");
    let problem = "the word \"ferry\" is in group 5 and in group 0; keep one of them";
    assert_eq!(told["problems"][0], problem);
    assert_eq!(told["groups_beyond"][0], 5);
    assert_eq!(told["vocabularies"][0]["nowhere"][0], "Vehicle");
    assert_eq!(told["vocabularies"][0]["led"][0]["target"], "Car");
    assert_eq!(told["against"]["same"], 1);
    let difference = &told["against"]["differences"][0];
    assert_eq!(difference["word"], "vehicle");
    assert_eq!(difference["why"], "vehicle.n.01 is below no target");
    let output = words(&arguments[..arguments.len() - 1], folder.path());
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains(problem), "{told}");
    assert!(told.contains("labels.names: 1 of 2 words lead to a target"), "{told}");
    assert!(
        told.contains("targets that do not lead to the group of their line: 1 (boat)"),
        "{told}"
    );
}

#[test]
fn what_cannot_be_used_is_named_with_its_place_and_exits_with_2() {
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("wrong.toml"), "[[target]]\nname = \"boat\"\nwords = []\n").unwrap();
    fs::write(path.join("empty.names"), "# nothing\n").unwrap();
    fs::create_dir(path.join("damaged")).unwrap();
    fs::write(path.join("damaged/index.noun"), INDEX).unwrap();
    fs::write(path.join("damaged/data.noun"), &DATA[..DATA.len() - 20]).unwrap();
    fs::write(path.join("bytes.json"), b"{\"\xff\": 1}").unwrap();
    for (arguments, message) in [
        (&["explain", "car", "--wordnet", "none"][..], "no WordNet in none; install it (apt-get"),
        (&["explain", "car", "--wordnet", "damaged"], "damaged cannot be used: data.noun line 4:"),
        (
            &["explain", "car", "--wordnet", ".", "--overrides", "wrong.toml"],
            "unknown field `words`",
        ),
        (&["explain", "car", "--vocabulary", "empty.names"], "vocabulary empty.names has no words"),
        (&["explain", "car", "--vocabulary", "gone.names"], "cannot read vocabulary gone.names"),
        (&["explain", "car", "--wordnet", "."], "which WordNet does not have; write a word and"),
        (&["check", "bytes.json"], "cannot read label groups bytes.json: it is no UTF-8 text"),
        (&["check", "index.noun"], "label groups index.noun cannot be used: a table"),
        (&["build"], "--out"),
    ] {
        let output = words(arguments, path);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {errors}");
        assert!(errors.contains(message), "{arguments:?}: {errors}");
    }
}

#[test]
fn the_table_of_the_program_knows_all_targets() {
    let folder = tempdir().unwrap();
    let told = standard_output(&words(&["check", "--json"], folder.path()));
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["lacking"], Value::Array(vec![]));
    assert_eq!(told["groups_beyond"], Value::Array(vec![]));
}

#[test]
fn every_vocabulary_reaches_nearly_all_targets() {
    let folder = tempdir().unwrap();
    let arguments = ["rekognition", "azure", "google", "pascal"].map(|name| ["--vocabulary", name]);
    let arguments = [&["check", "--json"][..], &arguments.concat()].concat();
    let told = standard_output(&words(&arguments, folder.path()));
    let told: Value = serde_json::from_str(&told).unwrap();
    let counts: Vec<usize> = told["vocabularies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| each["unreached_targets"].as_array().unwrap().len())
        .collect();
    assert_eq!(counts, [0, 0, 0, 60]);
    assert_eq!(told["vocabularies"][3]["nowhere"], Value::Array(vec![]));
}

/// The folder of the committed table.
fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../analysis/src/label_groups")
}

#[test]
fn the_committed_table_is_what_its_sources_make() {
    if !Path::new(WORDNET).exists() {
        println!("skipped: {WORDNET} is not there; apt-get install wordnet-base");
        return;
    }
    let folder = tempdir().unwrap();
    let out = folder.path().join("words.json");
    standard_output(&words(&["build", "--out", out.to_str().unwrap()], folder.path()));
    let read = |folder: &Path, name| fs::read_to_string(folder.join(name)).unwrap();
    let sources = |folder: &Path| -> Value {
        serde_json::from_str(&read(folder, "words.sources.json")).unwrap()
    };
    let (built, kept) = (sources(folder.path()), sources(&committed()));
    // The first two sources are WordNet's files, which another release has otherwise.
    if built["sources"][0] != kept["sources"][0] || built["sources"][1] != kept["sources"][1] {
        println!("skipped: {WORDNET} is not the WordNet that the committed table was made from");
        return;
    }
    let advice = "run: armol-trainer words build --out analysis/src/label_groups/words.json";
    assert!(read(folder.path(), "words.json") == read(&committed(), "words.json"), "{advice}");
    assert_eq!(built, kept, "{advice}");
}

#[test]
fn the_documented_differences_from_the_published_table_are_those_that_are_there() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let beside =
        ["..", "../.."].map(|up| repository.join(up).join("shared/data/armol/word2num.json"));
    let Some(published) = beside.iter().find(|path| path.exists()) else {
        println!("skipped: the published word2num.json is not beside the repository");
        return;
    };
    if !Path::new(WORDNET).exists() {
        println!("skipped: {WORDNET} is not there; apt-get install wordnet-base");
        return;
    }
    let arguments = ["check", "--json", "--against", published.to_str().unwrap()];
    let told = standard_output(&words(&arguments, &repository));
    let told: Value = serde_json::from_str(&told).unwrap();
    let differences = told["against"]["differences"].as_array().unwrap();
    let document = fs::read_to_string(repository.join("docs/words.md")).unwrap();
    for difference in differences {
        let [word, there, here, why] =
            ["word", "there", "here", "why"].map(|key| difference[key].as_str().unwrap_or("-"));
        let line = format!("\n| {word} | {there} | {here} | {why} |\n");
        assert!(document.contains(&line), "docs/words.md lacks {line}");
    }
    let rows = document.split("| word | published |").nth(1).unwrap();
    let rows = rows.lines().filter(|line| line.starts_with("| ")).count() - 1;
    assert_eq!(rows, differences.len(), "docs/words.md has lines that are no differences");
}
