//! The objects of a merged answer as numbers.

use armol_analysis::{label_groups::GroupedBox, merge::Candidates};

use crate::{features::single, subset::Subset};

/// How many numbers there are about all objects together.
pub(super) const GENERAL: usize = 24;

/// How many numbers there are about each provider.
pub(super) const PER_PROVIDER: usize = 3;

/// The overlap above which boxes are taken for the same thing.
const SAME: f64 = 0.5;

/// The longest side, in pixels, of a square as large as what is small.
const SMALL: f64 = 100.0;

/// How many objects are held against each other, the likeliest first.
const COMPARED: usize = 24;

/// The objects of a merged answer, the likeliest first.
#[derive(Debug, Default)]
pub(super) struct Objects {
    objects: Vec<Object>,
}

#[derive(Debug)]
struct Object {
    seen: GroupedBox,
    /// The side of a square as large, in pixels.
    side: f64,
    /// Who of those heard sees it.
    seen_by: Subset,
    /// The likeliest object of another group in its place, 0 where there is none.
    rival: f64,
    /// The greatest overlap with a likelier object of its group.
    double: f64,
}

impl Objects {
    /// Looks at a merged answer, and at who of those heard sees what.
    pub(super) fn look(&mut self, merged: &[GroupedBox], candidates: &Candidates, heard: Subset) {
        self.objects.clear();
        self.objects.extend(merged.iter().map(|seen| Object {
            seen: *seen,
            side: seen.bbox.area().max(0.0).sqrt(),
            seen_by: Subset::default(),
            rival: 0.0,
            double: 0.0,
        }));
        for (place, shown) in candidates.seen().filter(|(place, _)| heard.contains(*place)) {
            for object in &mut self.objects {
                let alike = object.seen.group == shown.group;
                if alike && object.seen.bbox.iou(shown.bbox) > SAME {
                    object.seen_by = object.seen_by.with(place);
                }
            }
        }
        self.objects.sort_by(|one, other| other.seen.score.total_cmp(&one.seen.score));
        self.compare();
    }

    /// Finds rivals and doubles among the likeliest.
    fn compare(&mut self) {
        for place in 0..self.objects.len().min(COMPARED) {
            let (likelier, rest) = self.objects.split_at_mut(place);
            let Some(object) = rest.first_mut() else { return };
            for other in likelier {
                let overlap = object.seen.bbox.iou(other.seen.bbox);
                if other.seen.group == object.seen.group {
                    object.double = object.double.max(overlap);
                } else if overlap > SAME {
                    object.rival = object.rival.max(other.seen.score);
                    other.rival = other.rival.max(object.seen.score);
                }
            }
        }
    }

    /// Adds the numbers about all objects together, for so many who were heard.
    pub(super) fn add_general(&self, heard: u32, numbers: &mut Vec<f32>) {
        let sum = |of: &dyn Fn(&Object) -> f64| self.objects.iter().map(of).sum::<f64>();
        let share = |object: &Object| f64::from(object.seen_by.count()) / f64::from(heard.max(1));
        let doubted = |object: &Object| if share(object) < 1.0 { 1.0 } else { 0.0 };
        let likely = |object: &Object| object.seen.score;
        let doubt = |object: &Object| object.seen.score * (1.0 - object.seen.score);
        let when = |holds: bool| f64::from(u8::from(holds));
        let greatest = |of: fn(&Object) -> f64| self.objects.iter().map(of).fold(0.0, f64::max);
        let general: [f64; GENERAL] = [
            sum(&|_| 1.0),
            sum(&likely),
            sum(&doubt),
            sum(&|object| when(likely(object) > 0.5)),
            sum(&|object| when((0.2..0.6).contains(&likely(object)))),
            self.at(0, likely),
            self.at(1, likely),
            self.at(2, likely),
            self.at(0, |object| object.side),
            self.at(1, |object| object.side),
            self.at(0, |object| object.rival),
            greatest(|object| object.rival),
            sum(&|object| if object.rival > 0.0 { likely(object) } else { 0.0 }),
            self.at(1, |object| object.double),
            greatest(|object| object.double),
            sum(&|object| object.side * object.side).sqrt(),
            sum(&|object| when(object.side < SMALL)),
            sum(&|object| if object.side < SMALL { likely(object) } else { 0.0 }),
            self.expected_precision(),
            sum(&|object| likely(object) * share(object)),
            self.at(0, share),
            sum(&doubted),
            sum(&|object| likely(object) * doubted(object)),
            sum(&|object| doubt(object) * doubted(object)),
        ];
        numbers.extend(general.map(single));
    }

    /// A number of the object at a place, 0 where there is none.
    fn at(&self, place: usize, number: impl Fn(&Object) -> f64) -> f64 {
        self.objects.get(place).map_or(0.0, number)
    }

    /// What the area under the precision of the objects would be, were each there with its
    /// probability and nothing else.
    fn expected_precision(&self) -> f64 {
        let (mut rank, mut found, mut area) = (0.0, 0.0, 0.0);
        for object in &self.objects {
            rank += 1.0;
            found += object.seen.score;
            area += object.seen.score * found / rank;
        }
        area / found.max(0.5)
    }

    /// Whether a provider was asked and heard, how many objects it sees, and how likely the
    /// likeliest of them is.
    pub(super) fn of_provider(
        &self,
        place: usize,
        (asked, heard): (bool, bool),
    ) -> [f32; PER_PROVIDER] {
        let standing = match (asked, heard) {
            (false, _) => 0.0,
            (true, false) => -1.0,
            (true, true) => 1.0,
        };
        let mut count = 0.0;
        let mut likeliest = 0.0_f64;
        for object in self.objects.iter().filter(|object| object.seen_by.contains(place)) {
            count += 1.0;
            likeliest = likeliest.max(object.seen.score);
        }
        [standing, count, single(likeliest)]
    }

    /// Adds how likely the likeliest object of each of these groups is, that of all other groups,
    /// and which of the groups the likeliest object is of, counted from 1.
    pub(super) fn add_groups(&self, groups: &[u16], numbers: &mut Vec<f32>) {
        let place_of =
            |object: &Object| groups.iter().position(|one| *one == object.seen.group.number());
        let start = numbers.len();
        numbers.resize(start + groups.len() + 1, 0.0);
        for object in &self.objects {
            let place = start + place_of(object).unwrap_or(groups.len());
            if let Some(greatest) = numbers.get_mut(place) {
                *greatest = greatest.max(single(object.seen.score));
            }
        }
        let first = self.objects.first().map(|object| place_of(object).unwrap_or(groups.len()));
        let number = first.map_or(0, |place| u16::try_from(place + 1).unwrap_or(u16::MAX));
        numbers.push(f32::from(number));
    }
}
