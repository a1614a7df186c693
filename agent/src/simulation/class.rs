//! The kinds of object that simulated images hold: a part of COCO's categories, by COCO's own
//! numbers and names.
//!
//! Images are drawn from them, ground truth names them, and each simulated provider has its own
//! words for them.

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Class {
    /// A human being.
    Person,
    /// A bicycle.
    Bicycle,
    /// A passenger car.
    Car,
    /// A motorcycle.
    Motorcycle,
    /// A bus.
    Bus,
    /// A truck.
    Truck,
    /// A boat, here with a sail.
    Boat,
    /// A bird.
    Bird,
    /// A cat.
    Cat,
    /// A dog.
    Dog,
    /// An umbrella.
    Umbrella,
    /// A bottle.
    Bottle,
    /// A cup.
    Cup,
    /// A chair.
    Chair,
    /// A couch.
    Couch,
    /// A plant in a pot.
    PottedPlant,
    /// A dining table.
    DiningTable,
    /// A mobile phone.
    CellPhone,
}

impl Class {
    /// Every kind, in the order of COCO's numbers.
    pub(super) const ALL: [Self; 18] = [
        Self::Person,
        Self::Bicycle,
        Self::Car,
        Self::Motorcycle,
        Self::Bus,
        Self::Truck,
        Self::Boat,
        Self::Bird,
        Self::Cat,
        Self::Dog,
        Self::Umbrella,
        Self::Bottle,
        Self::Cup,
        Self::Chair,
        Self::Couch,
        Self::PottedPlant,
        Self::DiningTable,
        Self::CellPhone,
    ];

    /// COCO's number, name and group of names.
    const fn category(self) -> (u32, &'static str, &'static str) {
        match self {
            Self::Person => (1, "person", "person"),
            Self::Bicycle => (2, "bicycle", "vehicle"),
            Self::Car => (3, "car", "vehicle"),
            Self::Motorcycle => (4, "motorcycle", "vehicle"),
            Self::Bus => (6, "bus", "vehicle"),
            Self::Truck => (8, "truck", "vehicle"),
            Self::Boat => (9, "boat", "vehicle"),
            Self::Bird => (16, "bird", "animal"),
            Self::Cat => (17, "cat", "animal"),
            Self::Dog => (18, "dog", "animal"),
            Self::Umbrella => (28, "umbrella", "accessory"),
            Self::Bottle => (44, "bottle", "kitchen"),
            Self::Cup => (47, "cup", "kitchen"),
            Self::Chair => (62, "chair", "furniture"),
            Self::Couch => (63, "couch", "furniture"),
            Self::PottedPlant => (64, "potted plant", "furniture"),
            Self::DiningTable => (67, "dining table", "furniture"),
            Self::CellPhone => (77, "cell phone", "electronic"),
        }
    }

    /// COCO's number of the category.
    pub(super) const fn id(self) -> u32 {
        self.category().0
    }

    /// COCO's name of the category.
    pub(super) const fn name(self) -> &'static str {
        self.category().1
    }

    /// COCO's name for the group that the category belongs to.
    pub(super) const fn supercategory(self) -> &'static str {
        self.category().2
    }

    /// The kind with this number of COCO's; `None` for the categories that are not simulated.
    pub(super) fn from_id(id: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.id() == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_and_lead_back_to_their_class() {
        assert!(Class::ALL.windows(2).all(|pair| pair[0].id() < pair[1].id()));
        assert!(Class::ALL.into_iter().all(|class| Class::from_id(class.id()) == Some(class)));
        assert_eq!(Class::from_id(5), None);
    }
}
