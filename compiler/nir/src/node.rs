//! The primitives of NIR as one type.

use super::{
    conv::{Conv1d, Conv2d},
    fields::Fields,
    linear::{Affine, Linear, Scale},
    neuron::{CubaLi, CubaLif, If, Integrator, Li, Lif},
    pool::{AvgPool2d, SumPool2d},
    port::{Flatten, Input, Output},
    primitive::{NodeShape, Primitive},
    raw::{Members, Raw},
    signal::{Delay, Threshold},
};
use indexmap::IndexMap;
use s2c_dialects::diagnostic::Result;

macro_rules! nodes {
    ($($(#[$doc:meta])* $variant:ident($type:ty),)*) => {
        /// A node of a NIR graph.
        #[expect(clippy::large_enum_variant, reason = "there are few nodes, and their arrays are elsewhere")]
        #[derive(Clone, Debug, PartialEq)]
        pub enum Node {
            $($(#[$doc])* $variant($type),)*
            /// A graph within the graph (`NIRGraph`).
            Graph(Graph),
        }

        /// Names of all node types that can be read.
        pub const KINDS: &[&str] = &[$(<$type as Primitive>::KIND,)* Node::GRAPH];

        impl Node {
            /// Name of the node's type in the file.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => <$type as Primitive>::KIND,)*
                    Self::Graph(_) => Self::GRAPH,
                }
            }

            /// Reads a primitive; `None` where the type is not known.
            pub(super) fn read(fields: &mut Fields<'_>) -> Result<Option<Self>> {
                let kind = fields.kind();
                $(if kind == <$type as Primitive>::KIND {
                    return <$type as Primitive>::read(fields).map(|node| Some(Self::$variant(node)));
                })*
                Ok(None)
            }

            /// The fields of a primitive, with `type`; a graph has none here.
            pub(super) fn write(&self) -> Members {
                let mut members = match self {
                    $(Self::$variant(node) => node.write(),)*
                    Self::Graph(_) => Members::new(),
                };
                members.insert("type".to_owned(), Raw::text(self.kind()));
                members
            }

            /// See [`Primitive::shape`]; a graph has none of its own.
            pub(super) fn shape(&self, input: Option<&[usize]>) -> Result<Option<NodeShape>> {
                match self {
                    $(Self::$variant(node) => node.shape(input),)*
                    Self::Graph(_) => Ok(None),
                }
            }
        }
    };
}

nodes! {
    /// Where data comes in.
    Input(Input),
    /// Where data goes out.
    Output(Output),
    /// Matrix and bias.
    Affine(Affine),
    /// Matrix.
    Linear(Linear),
    /// Factor per element.
    Scale(Scale),
    /// Convolution over one axis.
    Conv1d(Conv1d),
    /// Convolution over two axes.
    Conv2d(Conv2d),
    /// Sum over windows.
    SumPool2d(SumPool2d),
    /// Mean over windows.
    AvgPool2d(AvgPool2d),
    /// Axes joined into one.
    Flatten(Flatten),
    /// Transport delay.
    Delay(Delay),
    /// Step function.
    Threshold(Threshold),
    /// Integrator.
    I(Integrator),
    /// Integrate-and-fire neurons.
    If(If),
    /// Leaky integrator.
    Li(Li),
    /// Leaky integrate-and-fire neurons.
    Lif(Lif),
    /// Leaky integrator with a synapse.
    CubaLi(CubaLi),
    /// Leaky integrate-and-fire neurons with a synapse.
    CubaLif(CubaLif),
}

impl Node {
    /// The type's name of a graph within a graph.
    pub(super) const GRAPH: &'static str = "NIRGraph";

    /// The fields of a primitive as they are read, defaults filled in, as JSON.
    pub fn fields(&self) -> serde_json::Value {
        Raw::Group(self.write()).to_json()
    }

    /// Whether the node has state that evolves in time: all of `I`, `IF`, `LI`, `LIF`, `CubaLI`, `CubaLIF`.
    pub fn is_neuron(&self) -> bool {
        matches!(self, Self::I(_) | Self::If(_) | Self::Li(_) | Self::Lif(_) | Self::CubaLi(_) | Self::CubaLif(_))
    }

    /// Whether the node is a population of the network: one that is updated once per tick, with or without state.
    pub fn is_population(&self) -> bool {
        self.is_neuron() || matches!(self, Self::Threshold(_))
    }
}

/// A network: nodes by name and directed edges between them. Edges that meet in a node add up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// The nodes. In a flattened graph the names are paths, `outer/inner`.
    pub nodes: IndexMap<String, Node>,
    /// Source and destination by name. The end at a subgraph may name one of its ports: `sub/port` or `sub.port`.
    pub edges: Vec<(String, String)>,
}
