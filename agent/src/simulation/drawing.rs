//! How each kind of object looks: a few coloured shapes in a box.
//!
//! The parts of an object touch all four sides of its box, so that the box of the ground truth is
//! the tightest one. The painter reads these tables; nothing else does.

use super::class::Class;

/// A coloured shape that fills a part of an object's box.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) shape: Shape,
    /// Left, top, right and bottom, in hundredths of the object's box.
    pub(super) area: [u32; 4],
    /// Red, green and blue.
    pub(super) colour: [u8; 3],
}

/// A shape that touches all four sides of its area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Rectangle,
    Ellipse,
    /// An ellipse with a hole.
    Ring,
    /// The upper half of an ellipse.
    Dome,
    /// The lower half of an ellipse.
    Bowl,
    /// A triangle that stands on its side.
    Peak,
}

impl Shape {
    /// Whether a point lies in the shape; both coordinates run from -1 to 1 across its area.
    pub(super) fn holds(self, x: f64, y: f64) -> bool {
        let inside = x.abs() <= 1.0 && y.abs() <= 1.0;
        let from_bottom = f64::midpoint(1.0, -y);
        let from_top = f64::midpoint(1.0, y);
        inside
            && match self {
                Self::Rectangle => true,
                Self::Ellipse => x * x + y * y <= 1.0,
                Self::Ring => (0.5..=1.0).contains(&(x * x + y * y)),
                Self::Dome => x * x + from_bottom * from_bottom <= 1.0,
                Self::Bowl => x * x + from_top * from_top <= 1.0,
                Self::Peak => x.abs() <= from_top,
            }
    }
}

const fn part(shape: Shape, area: [u32; 4], colour: [u8; 3]) -> Part {
    Part { shape, area, colour }
}

const BLACK: [u8; 3] = [32, 32, 36];
const GLASS: [u8; 3] = [168, 214, 232];
const SKIN: [u8; 3] = [226, 178, 142];
const WOOD: [u8; 3] = [150, 98, 52];
const GREEN: [u8; 3] = [52, 140, 60];
const GREY: [u8; 3] = [120, 122, 128];

/// The parts of a kind of object, the hindmost first.
pub(super) const fn parts(class: Class) -> &'static [Part] {
    match class {
        Class::Person => &PERSON,
        Class::Bicycle => &BICYCLE,
        Class::Car => &CAR,
        Class::Motorcycle => &MOTORCYCLE,
        Class::Bus => &BUS,
        Class::Truck => &TRUCK,
        Class::Boat => &BOAT,
        Class::Bird => &BIRD,
        Class::Cat => &CAT,
        Class::Dog => &DOG,
        Class::Umbrella => &UMBRELLA,
        Class::Bottle => &BOTTLE,
        Class::Cup => &CUP,
        Class::Chair => &CHAIR,
        Class::Couch => &COUCH,
        Class::PottedPlant => &POTTED_PLANT,
        Class::DiningTable => &DINING_TABLE,
        Class::CellPhone => &CELL_PHONE,
    }
}

const PERSON: [Part; 5] = [
    part(Shape::Rectangle, [0, 30, 100, 42], SKIN),
    part(Shape::Rectangle, [18, 28, 82, 65], [190, 50, 60]),
    part(Shape::Ellipse, [30, 0, 70, 28], SKIN),
    part(Shape::Rectangle, [20, 65, 46, 100], [44, 62, 120]),
    part(Shape::Rectangle, [54, 65, 80, 100], [44, 62, 120]),
];
const BICYCLE: [Part; 5] = [
    part(Shape::Ring, [0, 35, 45, 100], BLACK),
    part(Shape::Ring, [55, 35, 100, 100], BLACK),
    part(Shape::Peak, [22, 20, 78, 68], [36, 150, 170]),
    part(Shape::Rectangle, [70, 0, 78, 60], GREY),
    part(Shape::Rectangle, [62, 0, 88, 8], BLACK),
];
const CAR: [Part; 5] = [
    part(Shape::Dome, [18, 0, 82, 55], GLASS),
    part(Shape::Rectangle, [0, 42, 100, 82], [200, 40, 40]),
    part(Shape::Ellipse, [10, 62, 32, 100], BLACK),
    part(Shape::Ellipse, [68, 62, 90, 100], BLACK),
    part(Shape::Rectangle, [92, 48, 100, 60], [250, 230, 120]),
];
const MOTORCYCLE: [Part; 5] = [
    part(Shape::Ellipse, [0, 42, 40, 100], BLACK),
    part(Shape::Ellipse, [60, 42, 100, 100], BLACK),
    part(Shape::Rectangle, [18, 34, 82, 62], [230, 120, 30]),
    part(Shape::Dome, [14, 20, 52, 40], BLACK),
    part(Shape::Peak, [60, 0, 84, 40], GREY),
];
const BUS: [Part; 6] = [
    part(Shape::Rectangle, [0, 0, 100, 84], [240, 190, 40]),
    part(Shape::Rectangle, [5, 14, 30, 42], GLASS),
    part(Shape::Rectangle, [36, 14, 62, 42], GLASS),
    part(Shape::Rectangle, [68, 14, 95, 42], GLASS),
    part(Shape::Ellipse, [12, 66, 32, 100], BLACK),
    part(Shape::Ellipse, [68, 66, 88, 100], BLACK),
];
const TRUCK: [Part; 5] = [
    part(Shape::Rectangle, [0, 0, 66, 80], [226, 226, 220]),
    part(Shape::Rectangle, [67, 26, 100, 80], [40, 84, 170]),
    part(Shape::Rectangle, [78, 34, 100, 54], GLASS),
    part(Shape::Ellipse, [8, 62, 30, 100], BLACK),
    part(Shape::Ellipse, [70, 62, 92, 100], BLACK),
];
const BOAT: [Part; 3] = [
    part(Shape::Peak, [18, 0, 86, 64], [246, 244, 236]),
    part(Shape::Rectangle, [48, 4, 54, 72], WOOD),
    part(Shape::Bowl, [0, 66, 100, 100], [30, 70, 130]),
];
const BIRD: [Part; 5] = [
    part(Shape::Peak, [0, 30, 40, 62], [60, 90, 150]),
    part(Shape::Ellipse, [14, 24, 84, 84], [70, 120, 190]),
    part(Shape::Ellipse, [62, 0, 92, 44], [70, 120, 190]),
    part(Shape::Rectangle, [88, 18, 100, 28], [240, 170, 40]),
    part(Shape::Rectangle, [44, 82, 52, 100], [240, 170, 40]),
];
const CAT: [Part; 5] = [
    part(Shape::Dome, [0, 46, 100, 100], [150, 120, 100]),
    part(Shape::Peak, [24, 0, 44, 26], [150, 120, 100]),
    part(Shape::Peak, [56, 0, 76, 26], [150, 120, 100]),
    part(Shape::Ellipse, [22, 14, 78, 64], [172, 142, 120]),
    part(Shape::Bowl, [44, 42, 56, 50], [220, 130, 140]),
];
const DOG: [Part; 6] = [
    part(Shape::Rectangle, [0, 18, 10, 50], [140, 90, 50]),
    part(Shape::Rectangle, [6, 38, 76, 72], [140, 90, 50]),
    part(Shape::Rectangle, [10, 70, 24, 100], [120, 76, 42]),
    part(Shape::Rectangle, [60, 70, 74, 100], [120, 76, 42]),
    part(Shape::Ellipse, [58, 0, 100, 50], [160, 106, 62]),
    part(Shape::Bowl, [60, 8, 72, 44], [90, 56, 30]),
];
const UMBRELLA: [Part; 4] = [
    part(Shape::Dome, [0, 0, 100, 56], [170, 40, 150]),
    part(Shape::Dome, [34, 0, 66, 56], [214, 96, 196]),
    part(Shape::Rectangle, [47, 56, 53, 100], GREY),
    part(Shape::Bowl, [47, 88, 66, 100], WOOD),
];
const BOTTLE: [Part; 4] = [
    part(Shape::Rectangle, [36, 0, 64, 34], GREEN),
    part(Shape::Dome, [0, 26, 100, 60], GREEN),
    part(Shape::Rectangle, [0, 56, 100, 100], GREEN),
    part(Shape::Rectangle, [0, 62, 100, 84], [240, 232, 200]),
];
const CUP: [Part; 3] = [
    part(Shape::Ring, [52, 20, 100, 76], [220, 220, 226]),
    part(Shape::Rectangle, [0, 6, 76, 100], [236, 236, 240]),
    part(Shape::Ellipse, [0, 0, 76, 16], [92, 56, 34]),
];
const CHAIR: [Part; 5] = [
    part(Shape::Rectangle, [0, 0, 12, 100], WOOD),
    part(Shape::Rectangle, [12, 6, 70, 34], WOOD),
    part(Shape::Rectangle, [70, 0, 80, 60], WOOD),
    part(Shape::Rectangle, [0, 52, 100, 64], [186, 130, 76]),
    part(Shape::Rectangle, [88, 62, 100, 100], WOOD),
];
const COUCH: [Part; 5] = [
    part(Shape::Rectangle, [8, 0, 92, 60], [66, 110, 120]),
    part(Shape::Rectangle, [4, 50, 50, 88], [88, 140, 150]),
    part(Shape::Rectangle, [50, 50, 96, 88], [88, 140, 150]),
    part(Shape::Rectangle, [0, 30, 14, 100], [54, 92, 102]),
    part(Shape::Rectangle, [86, 30, 100, 100], [54, 92, 102]),
];
const POTTED_PLANT: [Part; 4] = [
    part(Shape::Ellipse, [0, 10, 56, 58], GREEN),
    part(Shape::Ellipse, [44, 10, 100, 58], GREEN),
    part(Shape::Ellipse, [24, 0, 76, 64], [70, 170, 76]),
    part(Shape::Rectangle, [24, 62, 76, 100], [180, 92, 56]),
];
const DINING_TABLE: [Part; 4] = [
    part(Shape::Rectangle, [8, 24, 16, 100], WOOD),
    part(Shape::Rectangle, [84, 24, 92, 100], WOOD),
    part(Shape::Ellipse, [0, 0, 100, 48], [190, 134, 80]),
    part(Shape::Ellipse, [36, 8, 64, 34], [240, 240, 240]),
];
const CELL_PHONE: [Part; 3] = [
    part(Shape::Rectangle, [0, 0, 100, 100], BLACK),
    part(Shape::Rectangle, [8, 8, 92, 84], [90, 170, 230]),
    part(Shape::Ellipse, [40, 87, 60, 97], GREY),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_span_the_whole_box() {
        for class in Class::ALL {
            let areas = parts(class).iter().map(|part| part.area).collect::<Vec<_>>();
            for side in 0..4 {
                let edge = areas.iter().map(|area| area[side]);
                let (outermost, wanted) =
                    if side < 2 { (edge.min(), Some(0)) } else { (edge.max(), Some(100)) };
                assert_eq!(outermost, wanted, "{class:?}, side {side}");
            }
            assert!(areas.iter().all(|area| area[0] < area[2] && area[1] < area[3]), "{class:?}");
        }
    }

    #[test]
    fn shapes_touch_all_four_sides() {
        use Shape::{Bowl, Dome, Ellipse, Peak, Rectangle, Ring};
        for shape in [Rectangle, Ellipse, Ring, Dome, Bowl, Peak] {
            let steps = || (-100..=100).map(|step| f64::from(step) / 100.0);
            assert!(steps().any(|x| shape.holds(x, -1.0)), "{shape:?} top");
            assert!(steps().any(|x| shape.holds(x, 1.0)), "{shape:?} bottom");
            assert!(steps().any(|y| shape.holds(-1.0, y)), "{shape:?} left");
            assert!(steps().any(|y| shape.holds(1.0, y)), "{shape:?} right");
            assert!(!shape.holds(1.01, 0.0));
        }
    }
}
