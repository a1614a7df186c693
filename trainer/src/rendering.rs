//! Baselines as a table and a plot for people, and as JSON and CSV for programs.
//!
//! Each form says so where figures come from simulators.

mod csv;
mod json;
mod plot;
mod table;

use armol_analysis::{merge::Merger, metrics::image_value::ValueRule};

use crate::{baseline::Row, dataset::Dataset, rewards::Measure};

pub use self::csv::csv;
pub use json::json;
pub use plot::plot;
pub use table::table;
pub(crate) use table::{simulated_names, write_dropped, write_left_out};

/// All that a rendering shows.
#[derive(Clone, Copy, Debug)]
pub struct Baselines<'a> {
    /// What was scored.
    pub dataset: &'a Dataset,
    /// The methods and what they brought.
    pub rows: &'a [Row],
    /// How answers were merged.
    pub merger: &'a Merger,
    /// What was scored.
    pub measure: Measure,
    /// What the merged boxes of an image are worth.
    pub rule: ValueRule,
    /// What random methods drew from.
    pub seed: u64,
    /// The region that the answers are from; `None` where they are from any.
    pub region: Option<&'a str>,
    /// Whether the answers are a collector's, rather than a data set's.
    pub stored: bool,
}

impl Baselines<'_> {
    /// What was scored and how, in one line.
    fn summary(&self) -> String {
        let source = match (self.stored, self.region) {
            (true, region) => format!("answers from {}", region.unwrap_or("any region")),
            (false, _) => format!("data set {}", self.dataset.name),
        };
        let (images, merger) = (self.dataset.images.len(), self.merger);
        let (method, vote, seed) = (merger.method(), merger.vote(), self.seed);
        let scored = match self.measure {
            Measure::Boxes => "",
            Measure::Labels => "labels ",
        };
        format!("{images} images, {source}, {scored}merged by {method}, {vote} vote, seed {seed}")
    }
}

#[cfg(test)]
mod tests {
    use std::{io, num::NonZero};

    use armol_analysis::merge::{Method, Vote};

    use super::*;
    use crate::{
        baseline::{Options, baselines},
        rewards::Valuation,
        testing::{LEFT, answer, cat_and_dog, dataset, detection, image, labels_of},
    };

    /// The cat and the dog, where one answer is missing, some words have no group and some images
    /// no counterpart.
    fn incomplete() -> Dataset {
        let (mut answers, mut truth) = cat_and_dog();
        answers.retain(|answer| answer.image != "cat.jpg" || answer.provider != "azure");
        for answer in &mut answers {
            answer.simulated = answer.provider == "azure";
            answer.detections.push(detection("Mammal", 0.7, LEFT));
        }
        let wheels = ["Wheel"; 3].map(|word| detection(word, 0.4, LEFT));
        for answer in &mut answers {
            answer.detections.extend(wheels.clone());
        }
        answers.push(answer("other.jpg", "aws", &[]));
        truth.images.push(image("unasked.jpg", &[]));
        dataset(&answers, truth)
    }

    fn rendered(
        dataset: &Dataset,
        render: impl Fn(&Baselines<'_>, &mut Vec<u8>) -> io::Result<()>,
    ) -> String {
        let merger = Merger::new(Vote::Affirmative, Method::default()).unwrap();
        let (rule, seed, region) = (ValueRule::Seed, 1, Some("us"));
        let measure = Measure::of(dataset);
        let options = Options {
            measure,
            valuation: Valuation { merger: &merger, rule },
            seed,
            subsets: 0,
            beta: Some(-0.5),
            budget: Some(0.6),
            threads: NonZero::<usize>::MIN,
            cache: None,
        };
        let rows = baselines(dataset, &options, &|_| ()).unwrap();
        let stored = true;
        let baselines = Baselines {
            dataset,
            rows: &rows,
            merger: &merger,
            measure,
            rule,
            seed,
            region,
            stored,
        };
        let mut output = Vec::new();
        render(&baselines, &mut output).unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn the_table_says_what_it_is_about_and_what_is_left_out() {
        insta::assert_snapshot!(rendered(&incomplete(), table), @r"
        SIMULATED: azure answered from a simulator, not from a cloud
        2 images, answers from us, merged by wbf, affirmative vote, seed 1
        ────────────────────────────────────────────────────────────────────────
         method                     mAP     AP50    cost        v   aws   azure
        ════════════════════════════════════════════════════════════════════════
         aws                      50.00    50.00   1.000   0.0000     2       0
         azure                    50.00    50.00   0.500   0.0000     0       2
         Random-1                 50.00    50.00   0.500   0.0000     0       2
         Random-N                 50.00    50.00   1.000   0.0000     1       2
         Ensemble-N              100.00   100.00   1.500   1.0000     2       2
         Best of 1                50.00    50.00   0.500   0.0000     0       2
         Best at budget           50.00    50.00   0.500   0.0000     0       2
         Upper Bound             100.00   100.00   0.750   1.0000     1       1
         Upper Bound v+bc        100.00   100.00   0.750   1.0000     1       1
         Upper Bound at budget    50.00    50.00   0.500   0.0000     0       2
        ────────────────────────────────────────────────────────────────────────
        mAP and AP50 in %, cost in 1e-3 USD an image, calls by provider;
        v: the mean over images of an image's own AP50, -1 where nothing is found
        best: the same providers for every image, of the highest AP50 among the 16 sets of highest v
        Best of 1: azure
        Best at budget: azure
        Upper Bound at budget: no such choice exceeds v 0.4000, a gap of 0.4000
        aws: 2 of 2 images answered
        azure: 1 of 2 images answered; each other call costs its mean price and brings nothing
        left out, images of the ground truth that no one answered: 1
        left out, answers about images that the ground truth lacks: 1
        left out, detections of words in no group: 12 (Wheel 9, Mammal 3)
        ");
    }

    #[test]
    fn the_table_and_the_plot_of_labels_name_their_measure() {
        let (answers, truth) = cat_and_dog();
        let labels = labels_of(&dataset(&answers, truth));
        insta::assert_snapshot!(rendered(&labels, table), @r"
        2 images, answers from us, labels merged by wbf, affirmative vote, seed 1
        ─────────────────────────────────────────────────────────────────────────
         method                  Jaccard       F1    cost        v   aws   azure
        ═════════════════════════════════════════════════════════════════════════
         aws                       50.00    66.67   1.000   0.5000     2       0
         azure                     50.00    66.67   0.500   0.5000     0       2
         Random-1                  50.00    66.67   0.500   0.5000     0       2
         Random-N                  50.00    66.67   1.000   0.5000     1       2
         Ensemble-N               100.00   100.00   1.500   1.0000     2       2
         Best of 1                 50.00    66.67   0.500   0.5000     0       2
         Best at budget            50.00    66.67   0.500   0.5000     0       2
         Upper Bound              100.00   100.00   0.750   1.0000     1       1
         Upper Bound v+bc         100.00   100.00   0.750   1.0000     1       1
         Upper Bound at budget     50.00    66.67   0.500   0.5000     0       2
        ─────────────────────────────────────────────────────────────────────────
        Jaccard and F1 in %, cost in 1e-3 USD an image, calls by provider;
        v: the mean over images of the Jaccard index of what is named and what is there
        best: the same providers for every image, of the highest v
        Best of 1: azure
        Best at budget: azure
        Upper Bound at budget: no such choice exceeds v 0.7000, a gap of 0.2000
        aws: 2 of 2 images answered
        azure: 2 of 2 images answered
        ");
        let drawing = rendered(&labels, |baselines, output| {
            output.extend(plot(baselines).into_bytes());
            Ok(())
        });
        assert!(drawing.contains("Jaccard index, %") && !drawing.contains("AP50"), "{drawing}");
    }

    #[test]
    fn the_table_of_a_complete_real_data_set_has_no_warnings() {
        let (answers, truth) = cat_and_dog();
        let dataset = dataset(&answers, truth);
        let text = rendered(&dataset, table);
        assert!(!text.contains("SIMULATED") && !text.contains("left out"), "{text}");
    }

    #[test]
    fn json_has_fractions_dollars_and_all_that_is_left_out() {
        insta::assert_snapshot!(rendered(&incomplete(), json));
    }

    #[test]
    fn the_plot_names_each_kind_of_method() {
        let drawing = rendered(&incomplete(), |baselines, output| {
            output.extend(plot(baselines).into_bytes());
            Ok(())
        });
        for name in ["aws", "azure", "Ensemble-N", "best fixed set of each size", "upper bounds"] {
            assert!(drawing.contains(name), "{name}: {drawing}");
        }
        assert!(drawing.contains("SIMULATED"), "{drawing}");
    }

    #[test]
    fn csv_has_a_line_a_method() {
        insta::assert_snapshot!(rendered(&incomplete(), csv), @r"
        method,simulated,ap,ap50,mean_cost,mean_v,jaccard,f1,calls_aws,calls_azure
        aws,true,0.5,0.5,1,0,,,2,0
        azure,true,0.5,0.5,0.5,0,,,0,2
        Random-1,true,0.5,0.5,0.5,0,,,0,2
        Random-N,true,0.5,0.5,1,0,,,1,2
        Ensemble-N,true,1,1,1.5,1,,,2,2
        Best of 1,true,0.5,0.5,0.5,0,,,0,2
        Best at budget,true,0.5,0.5,0.5,0,,,0,2
        Upper Bound,true,1,1,0.75,1,,,1,1
        Upper Bound v+bc,true,1,1,0.75,1,,,1,1
        Upper Bound at budget,true,0.5,0.5,0.5,0,,,0,2
        ");
    }
}
