//! The independent checker of the mapping finds a planted fault of each kind.

use s2c_dialects::{ir, s2k::Program};
use s2c_passes::{
    analysis::expected::{self, Expected},
    check::{self, mapping},
    options::{Level, Options},
    session::Session,
    target::Target,
};

const TARGET: &str = include_str!("../compiler/targets/spinnaker2.toml");

/// Two populations, the first of which fills several PEs and feeds itself and the second.
const NETWORK: &str = r#"
qsnn.network @n dt 1.0e-3 options {} {
  %x = qsnn.input "input" limit 1 : tensor<600xi1>
  %in = qsnn.dense %x bits 8 {weight = dense<1> : tensor<400x600xi8>} : tensor<600xi1> -> tensor<400xi16>
  %late = qsnn.delay %a by 1 : tensor<400xi1>
  %back = qsnn.dense %late bits 8 {weight = dense<2> : tensor<400x400xi8>} : tensor<400xi1> -> tensor<400xi16>
  %sum = qsnn.add %in, %back : tensor<400xi16>, tensor<400xi16> -> tensor<400xi16>
  %a = qsnn.neuron "a"(%sum << 0) : tensor<400xi16> -> tensor<400xi1>
    membrane decay dense<4294967296> : tensor<400xi64> offset dense<0> : tensor<400xi32>
    fire dense<9> : tensor<400xi32> reset subtract dense<9> : tensor<400xi32>
    scale dense<1.0> : tensor<400xf64>
  %on = qsnn.dense %a bits 8 {weight = dense<3> : tensor<3x400xi8>} : tensor<400xi1> -> tensor<3xi16>
  %b = qsnn.neuron "b"(%on << 0) : tensor<3xi16> -> tensor<3xi1>
    membrane decay dense<4294967296> : tensor<3xi64> offset dense<0> : tensor<3xi32>
    fire dense<9> : tensor<3xi32> reset subtract dense<9> : tensor<3xi32>
    scale dense<1.0> : tensor<3xf64>
  qsnn.output "output"(%b) : tensor<3xi1>
}
"#;

fn program(target: &Target) -> Program {
    let context = ir::context();
    let mut module = ir::parse(&context, NETWORK, "network.mlir").unwrap();
    let mut session = Session::new(&context, target.clone(), Options::default());
    for pass in s2c_passes::pipeline(Level::O1).filter(|pass| pass.takes >= s2c_passes::session::Phase::Qsnn) {
        module = s2c_passes::session::run(pass, &mut session, module).unwrap();
    }
    Program::read(&module).unwrap()
}

#[test]
fn a_sound_program_passes() {
    let target = Target::parse(TARGET, "spinnaker2.toml").unwrap();
    let program = program(&target);
    assert!(program.pes.len() > 4, "the population is cut");
    mapping::check(&program, &target).unwrap();
}

/// What is planted, and the rule whose name the message must begin with.
type Fault = (&'static str, &'static str, fn(&mut Program));

#[test]
fn every_kind_of_fault_is_found() {
    let target = Target::parse(TARGET, "spinnaker2.toml").unwrap();
    let sound = program(&target);
    let faults: &[Fault] = &[
        ("two PEs at one place", "place", |p| p.pes[1].place = p.pes[0].place.clone()),
        ("a PE where none is", "place", |p| p.pes[0].place = Some(vec![0, 4, 3, 0])),
        ("a PE on a chip that is not there", "place", |p| p.pes[0].place = Some(vec![1, 3, 3, 0])),
        ("a reserved PE", "place", |p| p.pes[0].place = Some(vec![0, 5, 3, 1])),
        ("no place", "place", |p| p.pes[0].place = None),
        ("shared keys", "keys", |p| p.pes[1].updates[0].key = p.pes[0].updates[0].key.map(|key| key + 1)),
        ("no key", "keys", |p| p.inputs[0].key = None),
        ("overlapping buffers", "memory", |p| p.pes[0].buffers[1].address = p.pes[0].buffers[0].address.map(|a| a + 4)),
        ("a buffer over the tables", "memory", |p| p.pes[0].buffers[0].address = Some(4096)),
        ("a buffer beyond the memory", "memory", |p| p.pes[0].buffers[0].address = Some(131_072 - 8)),
        ("an address that is not aligned", "memory", |p| {
            let last = p.pes[0].buffers.len() - 1;
            p.pes[0].buffers[last].address = p.pes[0].buffers[last].address.map(|address| address + 2);
        }),
        ("no address", "memory", |p| p.pes[0].buffers[0].address = None),
        ("more rows than weights", "weights", |p| p.pes[0].blocks[0].head.count += 1),
        ("sums without room", "weights", |p| p.pes[0].blocks.iter_mut().for_each(|block| block.head.slot = 1)),
        ("a missing route", "routes", |p| drop(p.routes.pop())),
        ("a route that leaves out a PE", "routes", |p| {
            let route = p.routes.iter_mut().find(|route| route.destinations[0] >= 0).unwrap();
            route.destinations[2] &= route.destinations[2] - 1;
        }),
        ("a route that reaches a PE twice", "routes", |p| {
            let route = p.routes.iter_mut().find(|route| route.destinations[0] >= 0).unwrap();
            let again = route.destinations[..3].to_vec();
            route.destinations.extend(again);
        }),
        ("a wide entry before a narrow one", "routes", |p| p.routes.reverse()),
        ("a mask with holes", "routes", |p| p.routes[0].mask ^= 1 << 30),
        ("a link that is not there", "routes", |p| p.routes[0].destinations.extend([-1, 6, 0])),
        ("more entries than the router has", "routes", |p| {
            let route = p.routes[0].clone();
            p.routes.extend(std::iter::repeat_n(route, 16384));
        }),
        ("a route to a PE without synapses", "routes", |p| p.routes[0].destinations.extend([1, 1, 1])),
        ("a route that leaves out the host", "routes", |p| {
            let route = p.routes.iter_mut().find(|route| route.destinations.contains(&-2)).unwrap();
            route.destinations.truncate(route.destinations.len() - 3);
        }),
        ("a route in circles", "routes", |p| p.routes[0].destinations.extend([-1, 0, 0])),
    ];
    for (what, rule, plant) in faults {
        let mut program = sound.clone();
        plant(&mut program);
        let found = mapping::check(&program, &target).expect_err(what);
        assert!(found.title.starts_with(rule), "{what}: {}", found.title);
    }
}

/// A number that is changed, and the words that the message must hold.
type Lie = (&'static str, fn(&mut Expected));

#[test]
fn every_wrong_number_of_a_report_is_found() {
    let target = Target::parse(TARGET, "spinnaker2.toml").unwrap();
    let program = program(&target);
    let truth = expected::expected(&program, &target, &Options::default()).unwrap();
    check::expected::check(&program, &target, &Options::default(), &truth).unwrap();
    let lies: &[Lie] = &[
        ("chips", |e| e.chips += 1),
        ("PEs", |e| e.pes.truncate(1)),
        ("routers", |e| e.router_entries.extend([(1, 1)])),
        ("router entries", |e| *e.router_entries.get_mut(&0).unwrap() -= 1),
        ("packets", |e| e.packets_per_tick *= 1.01),
        ("deliveries", |e| e.deliveries_per_tick -= 1.0),
        ("hops", |e| e.hops_per_tick -= 1.0),
        ("links", |e| e.links_per_tick += 1.0),
        ("worse than the order", |e| e.hops_in_order = e.hops_per_tick - 1.0),
        ("packets received", |e| e.pes[1].packets_in -= 1.0),
        ("packets sent", |e| e.pes[1].packets_out += 1.0),
        ("can't be done", |e| e.pes[1].cycles_per_tick = 1.0),
        ("cycles of the busiest", |e| e.max_cycles_per_tick *= 0.9),
        ("not done within a tick", |e| (e.frequency, e.tick_seconds) = (Some(150_000_000), 1e-6)),
    ];
    for (words, lie) in lies {
        let mut report = truth.clone();
        lie(&mut report);
        let found = check::expected::check(&program, &target, &Options::default(), &report).expect_err(words);
        assert!(found.title.starts_with("report") && found.title.contains(words), "{words}: {}", found.title);
    }
}
