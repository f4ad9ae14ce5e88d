//! The graph to HDF5, in the form that the Python package reads back.
//!
//! The package wants more than the format: parameters of a node in one shape, and `input_shape` of every convolution.
//! Both are filled in. Names must not hold `/`, so that paths of a flattened graph are written with `.` instead.
//! The same graph gives the same bytes: no times are stored.

use super::{
    graph::join,
    model::{CHOICES, Choices},
    node::{Graph, Node},
    raw::{Members, Raw},
    shapes::{Shapes, infer_shapes},
};
use hdf5_writer::{
    ByteOrder, DatasetBuilder, FILTER_DEFLATE, FilterDescription, H5WriteElement, Hdf5Builder, WriteOptions,
};
use indexmap::IndexMap;
use ndarray::{Array2, ArrayD};
use s2c_dialects::diagnostic::{Diagnostic, Result};
use std::collections::HashSet;

/// The version of the Python package whose form is written.
const VERSION: &str = "1.0.8";
/// Compression of arrays; zlib's own default.
const DEFLATE: u32 = 6;

/// The bytes of a file that holds a graph.
pub fn write(graph: &Graph) -> Result<Vec<u8>> {
    write_with(graph, &Choices::new())
}

/// As [`write()`], with what NIR has no field for.
pub fn write_with(graph: &Graph, choices: &Choices) -> Result<Vec<u8>> {
    // Shapes only fill gaps; a graph whose shapes do not fit can still be written.
    let shapes = infer_shapes(graph).ok();
    let mut members = encode(graph, "", shapes.as_ref())?;
    if !choices.is_empty() {
        let choices = choices.iter().map(|(name, value)| (name.clone(), Raw::text(value))).collect();
        let metadata = Members::from([(CHOICES.to_owned(), Raw::Group(choices))]);
        members.insert("metadata".to_owned(), Raw::Group(metadata));
    }
    let root = Members::from([("version".to_owned(), Raw::text(VERSION)), ("node".to_owned(), Raw::Group(members))]);
    to_hdf5(&root).map_err(|error| {
        Diagnostic::error("cannot-write", "the network cannot be written as HDF5")
            .text(format!("{error}."))
            .hint("please report it with the model")
            .into()
    })
}

/// The bytes of a file that holds a tree.
pub(super) fn to_hdf5(root: &Members) -> hdf5_writer::Result<Vec<u8>> {
    add_members(Hdf5Builder::new(), "", root)?.into_plan()?.encode(WriteOptions::default())
}

/// A graph as an untyped tree.
fn encode(graph: &Graph, path: &str, shapes: Option<&Shapes>) -> Result<Members> {
    let names: IndexMap<&str, String> =
        graph.nodes.keys().map(|name| (name.as_str(), name.replace('/', "."))).collect();
    let mut seen = HashSet::new();
    let mut nodes = Members::new();
    for (name, node) in &graph.nodes {
        let stored = names.get(name.as_str()).cloned().unwrap_or_default();
        if stored.is_empty() || stored == "." || stored.contains('\0') || !seen.insert(stored.clone()) {
            return Err(Diagnostic::error(
                "unwritable-name",
                format!("a node cannot be stored under the name `{stored}`"),
            )
            .at_node(join(path, name))
            .text("Names must be different, not empty and not `.`; `/` is stored as `.`.")
            .hint("rename the node")
            .into());
        }
        let full = join(path, name);
        let members = match node {
            Node::Graph(inner) => encode(inner, &full, shapes)?,
            node => {
                let input = shapes.and_then(|shapes| shapes.nodes.get(&full)).map(|shape| shape.input.as_slice());
                with_input_shape(node, input).write()
            }
        };
        nodes.insert(stored, Raw::Group(members));
    }
    let stored = |name: &str| names.get(name).cloned().unwrap_or_else(|| name.to_owned());
    let edges: Vec<String> = graph.edges.iter().flat_map(|(from, to)| [stored(from), stored(to)]).collect();
    let edges = Array2::from_shape_vec((graph.edges.len(), 2), edges)
        .map_err(|error| Diagnostic::bug(format!("edges are not pairs: {error}")))?;
    Ok(Members::from([
        ("type".to_owned(), Raw::text(Node::GRAPH)),
        ("nodes".to_owned(), Raw::Group(nodes)),
        ("edges".to_owned(), Raw::Text(edges.into_dyn())),
    ]))
}

/// The node with its input shape filled in, where it has such a field and the shape is known.
fn with_input_shape(node: &Node, input: Option<&[usize]>) -> Node {
    let mut node = node.clone();
    match (&mut node, input) {
        (Node::Conv1d(conv), Some([_, axes @ ..])) => conv.input_shape = conv.input_shape.or(axes.try_into().ok()),
        (Node::Conv2d(conv), Some([_, axes @ ..])) => conv.input_shape = conv.input_shape.or(axes.try_into().ok()),
        (Node::Flatten(flatten), Some(shape)) if flatten.input_type.is_none() => {
            flatten.input_type = Some(shape.to_vec())
        }
        _ => {}
    }
    node
}

/// Adds the members of a group; groups that stay empty are not stored.
fn add_members(mut file: Hdf5Builder, path: &str, members: &Members) -> hdf5_writer::Result<Hdf5Builder> {
    for (name, raw) in members {
        let path = join(path, name);
        file = match raw {
            Raw::Group(inner) => add_members(file, &path, inner)?,
            Raw::F32(values) => file.dataset(dataset(path, values)?),
            Raw::F64(values) => file.dataset(dataset(path, values)?),
            Raw::Int(values) => file.dataset(dataset(path, values)?),
            Raw::Text(texts) => {
                let strings: Vec<&String> = texts.iter().collect();
                file.dataset(DatasetBuilder::vlen_string_data(path, extents(texts.shape()), &strings)?)
            }
            Raw::Other(_) => file,
        };
    }
    Ok(file)
}

/// One dataset: a scalar as such, numbers in one compressed chunk.
fn dataset<T: H5WriteElement>(path: String, values: &ArrayD<T>) -> hdf5_writer::Result<DatasetBuilder> {
    let (shape, elements) = (extents(values.shape()), values.iter().copied().collect::<Vec<T>>());
    let dataset =
        DatasetBuilder::typed_with_order::<T>(path, shape.clone(), ByteOrder::LittleEndian).data(&elements)?;
    if shape.is_empty() || elements.is_empty() {
        return Ok(dataset);
    }
    let deflate = FilterDescription { id: FILTER_DEFLATE, name: None, client_data: vec![DEFLATE] };
    Ok(dataset.chunked(shape).filter(deflate))
}

fn extents(shape: &[usize]) -> Vec<u64> {
    shape.iter().map(|&size| size as u64).collect()
}
