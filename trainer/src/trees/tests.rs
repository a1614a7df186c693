//! What trees learn, and what they refuse.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// Rows of numbers from 0 to 1.
fn rows(count: usize, dimension: usize) -> Vec<f32> {
    let mut generator = ChaCha8Rng::seed_from_u64(3);
    (0..count * dimension).map(|_| generator.random()).collect()
}

/// What every row is worth by a rule.
fn targets(values: &[f32], dimension: usize, rule: impl Fn(&[f32]) -> f64) -> Vec<f64> {
    values.chunks(dimension).map(rule).collect()
}

/// All rows and features for each tree.
fn whole() -> TreesOptions {
    TreesOptions { row_share: 1.0, column_share: 1.0, ..TreesOptions::default() }
}

fn mean_square_error(trees: &Trees, values: &[f32], targets: &[f64]) -> f64 {
    let rows = values.chunks(trees.dimension()).zip(targets);
    let squares = rows.map(|(row, target)| (trees.predict(row) - target).powi(2));
    squares.sum::<f64>() / f64::from(u32::try_from(targets.len()).unwrap())
}

#[test]
fn a_step_is_learned_by_one_question() {
    let values: Vec<f32> = (0..100_u8).map(f32::from).collect();
    let targets = targets(&values, 1, |row| if row[0] > 41.0 { 2.0 } else { -1.0 });
    let options = TreesOptions { trees: 1, rate: 1.0, ridge: 0.0, leaves: 2, ..whole() };
    let trees = Trees::fit(&Columns::new(&values, 1).unwrap(), &targets, &options, 1).unwrap();
    for (value, target) in values.iter().zip(&targets) {
        assert!((trees.predict(&[*value]) - target).abs() < 1e-6, "{value}");
    }
    assert!((trees.predict(&[41.4]) + 1.0).abs() < 1e-6);
    assert!((trees.predict(&[41.6]) - 2.0).abs() < 1e-6);
}

#[test]
fn a_sum_of_features_is_learned() {
    let values = rows(2_000, 5);
    let rule = |row: &[f32]| 2.0 * f64::from(row[0]) - f64::from(row[3]);
    let targets = targets(&values, 5, rule);
    let options = TreesOptions { trees: 300, rate: 0.1, ..TreesOptions::default() };
    let trees = Trees::fit(&Columns::new(&values, 5).unwrap(), &targets, &options, 1).unwrap();
    // The variance of the targets is 5/12.
    let error = mean_square_error(&trees, &values, &targets);
    assert!(error < 0.002, "{error}");
}

#[test]
fn a_constant_needs_no_tree() {
    let values = rows(300, 2);
    let trees = Trees::fit(&Columns::new(&values, 2).unwrap(), &[0.3; 300], &whole(), 1).unwrap();
    assert_eq!(trees.count(), 0);
    assert!((trees.predict(&[0.5, 0.5]) - 0.3).abs() < 1e-12);
}

#[test]
fn the_same_seed_gives_the_same_trees_and_another_others() {
    let values = rows(500, 4);
    let targets = targets(&values, 4, |row| f64::from(row[1] * row[2]));
    let columns = Columns::new(&values, 4).unwrap();
    let fit = |seed| Trees::fit(&columns, &targets, &TreesOptions::default(), seed).unwrap();
    assert_eq!(fit(1), fit(1));
    assert_ne!(fit(1), fit(2));
}

#[test]
fn rows_that_are_not_named_change_nothing() {
    let values = rows(400, 3);
    let mut targets = targets(&values, 3, |row| f64::from(row[0]));
    let columns = Columns::new(&values, 3).unwrap();
    let named: Vec<u32> = (0..200).collect();
    let options = TreesOptions::default();
    let one = Trees::fit_on(&columns, &named, &targets, &options, 1).unwrap();
    targets[300] = f64::NAN;
    assert_eq!(one, Trees::fit_on(&columns, &named, &targets, &options, 1).unwrap());
    let refusal = Trees::fit_on(&columns, &[400], &targets, &options, 1).unwrap_err();
    assert_eq!(refusal, TreesError::Row { row: 400, rows: 400 });
}

#[test]
fn patience_stops_where_rows_apart_are_explained_no_better() {
    let values = rows(600, 3);
    let mut generator = ChaCha8Rng::seed_from_u64(5);
    let noise: Vec<f64> = (0..600).map(|_| generator.random::<f64>()).collect();
    let options = TreesOptions {
        trees: 400,
        patience: Some(Patience { share: 0.3, trees: 10 }),
        ..TreesOptions::default()
    };
    let columns = Columns::new(&values, 3).unwrap();
    let trees = Trees::fit(&columns, &noise, &options, 1).unwrap();
    assert!(trees.count() < 40, "{} trees explain noise", trees.count());
    let learnable = targets(&values, 3, |row| f64::from(row[2]));
    assert!(Trees::fit(&columns, &learnable, &options, 1).unwrap().count() > 40);
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let columns = Columns::new(&rows(10, 2), 2).unwrap();
    let fit = |targets: &[f64], options: &TreesOptions| Trees::fit(&columns, targets, options, 1);
    let refusal = fit(&[0.0; 9], &whole()).unwrap_err();
    assert_eq!(refusal, TreesError::Targets { rows: 10, targets: 9 });
    let mut targets = [0.0; 10];
    targets[4] = f64::INFINITY;
    let refusal = fit(&targets, &whole()).unwrap_err();
    assert!(refusal.to_string().contains("the target of row 4"), "{refusal}");
    let none = Columns::new(&[], 2).unwrap();
    assert_eq!(Trees::fit(&none, &[], &whole(), 1), Err(TreesError::Empty));
    for options in [
        TreesOptions { rate: 0.0, ..whole() },
        TreesOptions { row_share: f64::NAN, ..whole() },
        TreesOptions { column_share: 1.5, ..whole() },
        TreesOptions { ridge: -1.0, ..whole() },
        TreesOptions { patience: Some(Patience { share: 1.0, trees: 1 }), ..whole() },
    ] {
        assert!(matches!(fit(&[0.0; 10], &options), Err(TreesError::Option { .. })));
    }
}

/// What trees say of a row, node by node as they are stored.
fn walked(stored: &serde_json::Value, row: &[f32]) -> f64 {
    let array = |name: &str, place: u64| stored[name][usize::try_from(place).unwrap()].clone();
    let mut sum = stored["base"].as_f64().unwrap();
    for root in stored["roots"].as_array().unwrap() {
        let mut node = root.as_u64().unwrap();
        while array("below", node) != 0 {
            let feature = usize::try_from(array("features", node).as_u64().unwrap()).unwrap();
            let above = f64::from(row[feature]) > array("numbers", node).as_f64().unwrap();
            node = array("below", node).as_u64().unwrap() + u64::from(above);
        }
        sum += array("numbers", node).as_f64().unwrap();
    }
    sum
}

#[test]
fn a_prediction_is_what_a_walk_over_the_stored_nodes_gives() {
    let values = rows(300, 3);
    let targets = targets(&values, 3, |row| f64::from(row[0] * row[1]).sqrt());
    let options = TreesOptions { trees: 20, depth: 5, leaves: 12, ..TreesOptions::default() };
    let trees = Trees::fit(&Columns::new(&values, 3).unwrap(), &targets, &options, 1).unwrap();
    let stored = serde_json::to_value(&trees).unwrap();
    assert_eq!(trees.count(), 20);
    for row in values.chunks(3) {
        assert!((trees.predict(row) - walked(&stored, row)).abs() < 1e-6);
    }
}

#[test]
fn stored_trees_read_back_exactly() {
    let values = rows(300, 3);
    let targets = targets(&values, 3, |row| f64::from(row[0]).exp());
    let columns = Columns::new(&values, 3).unwrap();
    let trees = Trees::fit(&columns, &targets, &TreesOptions::default(), 1).unwrap();
    let stored = serde_json::to_string(&trees).unwrap();
    assert_eq!(serde_json::from_str::<Trees>(&stored).unwrap(), trees);
}

#[test]
fn stored_trees_that_cannot_be_walked_are_refused() {
    let good = r#"{"dimension":1,"base":0,"roots":[0],"features":[0,0,0],"numbers":[0.5,1,2],"below":[1,0,0]}"#;
    assert!((serde_json::from_str::<Trees>(good).unwrap().predict(&[0.7]) - 2.0).abs() < 1e-9);
    for (from, to) in [
        ("\"below\":[1,", "\"below\":[2,"),
        ("[1,0,0]", "[1,1,0]"),
        ("\"roots\":[0]", "\"roots\":[3]"),
        ("[0.5,1,2]", "[0.5,1]"),
        ("[0.5,1,2]", "[0.5,1,1e39]"),
        ("\"features\":[0,", "\"features\":[1,"),
        ("\"base\":0", "\"base\":null"),
    ] {
        assert!(serde_json::from_str::<Trees>(&good.replace(from, to)).is_err(), "{to}");
    }
}
