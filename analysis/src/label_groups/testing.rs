//! A WordNet of a dozen synsets for tests.

use super::wordnet::WordNet;

/// Words and synsets as in `index.noun`.
pub(super) const VEHICLES_INDEX: &str = "  1 a licence
automobile n 1 1 @ 1 1 00000003
auto n 1 1 @ 1 1 00000003
bicycle n 1 1 @ 1 1 00000006
bike n 2 1 @ 2 0 00000005 00000006
car n 2 2 @ ~ 2 1 00000003 00000010
motorcar n 1 1 @ 1 0 00000003
crane n 3 2 @ @i 3 1 00000008 00000009 00000011
lift n 1 1 @ 1 0 00000011
lifting_device n 1 1 @ 1 0 00000009
motor_vehicle n 1 2 @ ~ 1 1 00000002
motorbike n 1 1 @ 1 0 00000005
motorcycle n 1 1 @ 1 1 00000005
railcar n 1 1 @ 1 0 00000010
racer n 1 1 @ 1 0 00000012
taxi n 1 1 @ 1 1 00000007
cab n 1 1 @ 1 1 00000007
vehicle n 1 1 ~ 1 1 00000001
minicab n 1 1 @ 1 0 00000013
";

/// Synsets as in `data.noun`.
pub(super) const VEHICLES_DATA: &str = "  1 a licence
00000001 06 n 01 vehicle 0 004 ~ 00000002 n 0000 ~ 00000006 n 0000 ~ 00000009 n 0000 ~ 00000010 n 0000 | what carries
00000002 06 n 01 motor_vehicle 0 003 @ 00000001 n 0000 ~ 00000003 n 0000 ~ 00000005 n 0000 | a vehicle with a motor
00000003 06 n 04 car 0 auto 0 automobile 0 motorcar 0 003 @ 00000002 n 0000 ~ 00000007 n 0000 ~ 00000012 n 0000 | a motor vehicle with four wheels
00000005 06 n 03 motorcycle 0 motorbike 0 bike 0 002 @ 00000002 n 0000 ~ 00000012 n 0000 | a motor vehicle with two wheels
00000006 06 n 02 bicycle 0 bike 1 001 @ 00000001 n 0000 | a vehicle with pedals
00000007 06 n 02 taxi 0 cab 0 002 @ 00000003 n 0000 ~ 00000013 n 0000 | a car with a driver
00000008 18 n 01 Crane 0 001 @i 00000001 n 0000 | a poet
00000009 06 n 02 crane 1 lifting_device 0 001 @ 00000001 n 0000 | what lifts
00000010 06 n 02 railcar 0 car 1 001 @ 00000001 n 0000 | a vehicle on rails
00000011 04 n 02 lift 0 crane 2 001 @ 00000001 n 0000 | the act of raising
00000012 06 n 01 racer 0 002 @ 00000003 n 0000 @ 00000005 n 0000 | a vehicle for races
00000013 06 n 01 minicab 0 001 @ 00000007 n 0000 | a small taxi
";

/// The same, read.
pub(super) fn vehicles() -> WordNet {
    WordNet::read(VEHICLES_INDEX, VEHICLES_DATA).unwrap()
}
