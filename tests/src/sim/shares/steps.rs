//! Which step comes next.

use super::{ANA, At, BEN, COUNSELLOR, Care, Failure};
use crate::network::Line;

const HOUR_MS: i64 = 3600 * 1000;
const YEAR_MS: i64 = 365 * 24 * HOUR_MS;

impl Care {
    pub(super) fn play_step(&mut self) -> Result<(), Failure> {
        let owner = if self.chance(65) { ANA } else { BEN };
        let at = self.any(owner);
        let anybody = self.below(3) as usize;
        let anybody = self.any(anybody);
        match self.below(113) {
            0..12 => self.log(at),
            12..18 => self.edit(at),
            18..21 => self.on(at, |sim, device| sim.delete(device)),
            21..22 => self.on(at, |sim, device| sim.bring_back(device)),
            22..24 => self.on(at, |sim, device| sim.forget(device)),
            24..27 => self.on(at, |sim, device| sim.edit_plan(device)),
            27..31 => self.log_for_oneself(at),
            31..36 => self.choose(at),
            36..42 => self.change_consent(at),
            42..44 => self.edit_a_clients_plan(),
            44..60 => self.sync_whole(anybody),
            60..68 => self.sync_cut(anybody),
            68..71 => self.everybody_syncs(),
            71..74 => self.comment(anybody),
            74..76 => self.edit_a_clients_plan(),
            76..79 => self.go_on_meeting(owner),
            79..82 => self.on(anybody, |sim, device| sim.crash(device)),
            82..83 => self.end(anybody),
            83..84 => self.wipe_relay(),
            84..86 => self.back_up_relay(),
            86..88 => self.roll_relay_back(),
            88..90 => self.lose_and_restore(anybody),
            90..92 => self.change_devices(),
            92..94 => self.set_clock(anybody),
            94..95 => self.on(anybody, |sim, device| sim.confirm(device)),
            95..96 => self.open(),
            96..99 => self.on(anybody, |sim, device| sim.suspend(device)),
            99..105 => self.on(anybody, |sim, _| sim.something_arrives_late()),
            105..106 => self.on(anybody, |sim, device| sim.travel(device)),
            106..108 => self.on(anybody, |sim, device| sim.go_out_of_reach(device)),
            108..109 => self.renew_relay(),
            _ => self.let_time_pass(),
        }
    }

    fn let_time_pass(&mut self) -> Result<(), Failure> {
        let hours = match self.below(3) {
            0 => 1 + self.below(48),
            1 => 24 * (1 + self.below(12)),
            _ => 24 * 30 * (1 + self.below(3)),
        };
        self.say(format!("{hours} hours pass"));
        self.world.now_ms += i64::from(hours) * HOUR_MS;
        while self.world.relay.sweep(self.world.now_ms as u64).map_err(|e| e.to_string())? {}
        Ok(())
    }

    /// A device's clock goes wrong by years, or is put right.
    fn set_clock(&mut self, at: At) -> Result<(), Failure> {
        let years = [0, 2, -2, 0][self.below(4) as usize];
        let key = (at.person, self.id(at));
        self.say(format!("{}'s clock is {years} years ahead", self.label(at)));
        self.clocks.insert(key, years * YEAR_MS);
        Ok(())
    }

    fn sync_whole(&mut self, at: At) -> Result<(), Failure> {
        if self.people[at.person].devices[at.device].away_until > self.step {
            return Ok(());
        }
        self.say(format!("{} syncs", self.label(at)));
        let turns_left = self.chance(15).then(|| 1 + self.below(4));
        let mut line = Line { twice: self.chance(15), turns_left, ..Line::default() };
        self.sync(at, &mut line).map(|_| ())
    }

    fn sync_cut(&mut self, at: At) -> Result<(), Failure> {
        if self.people[at.person].devices[at.device].away_until > self.step {
            return Ok(());
        }
        let requests = 1 + self.below(20);
        let late = self.chance(50);
        let mut line = Line { requests_left: Some(requests), late, ..Line::default() };
        line.last_replies = self.below(3) as usize;
        self.say(format!("{} syncs and is cut off at request {requests}", self.label(at)));
        self.sync(at, &mut line)?;
        match self.chance(40) {
            true => self.on(at, |sim, device| sim.crash(device)),
            false => Ok(()),
        }
    }

    /// Everybody is online for a while; after that everybody knows what the person agrees to.
    fn everybody_syncs(&mut self) -> Result<(), Failure> {
        self.say("everybody syncs");
        let before = self.people[ANA].known.harm;
        let mut whole = true;
        for _ in 0..3 {
            for person in [ANA, BEN, COUNSELLOR] {
                for at in self.all(person) {
                    whole &= self.sync(at, &mut Line::default())?;
                }
            }
        }
        if whole && before == self.people[ANA].known.harm {
            self.note_what_all_know()?;
        }
        Ok(())
    }
}
