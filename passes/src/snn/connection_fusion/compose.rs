//! Compositions of connections that keep their form: scales, pools and convolutions.

use s2c_dialects::{
    attribute::Tensor,
    convolution::{Geometry, map_of},
    snn::{Conv2d, Op, Pool, Scale},
};

/// `outer` after `inner` as one op of the same kind; `None` where it has no such form. Shapes: from, between, to.
pub fn compose(outer: &Op, inner: &Op, [from, between, to]: [&[usize]; 3]) -> Option<Op> {
    match (outer, inner) {
        (Op::Scale(outer), Op::Scale(inner)) => {
            let scale = inner.scale.iter().zip(outer.scale.iter()).map(|(a, b)| a * b).collect();
            Some(Scale { scale: Tensor::new(vec![inner.scale.len()], scale) }.into())
        }
        (Op::Scale(scale), Op::Linear(inner)) => {
            let columns = inner.weight.len() / scale.scale.len().max(1);
            let weight = inner.weight.iter().enumerate().map(|(at, weight)| weight * scale.scale.at(at / columns));
            let mut op = inner.clone();
            op.weight = Tensor::new(inner.weight.shape.clone(), weight.collect());
            op.bias = inner.bias.as_ref().map(|bias| times(bias, &scale.scale));
            Some(op.into())
        }
        (Op::Linear(outer), Op::Scale(scale)) => {
            let columns = scale.scale.len().max(1);
            let weight = outer.weight.iter().enumerate().map(|(at, weight)| weight * scale.scale.at(at % columns));
            let mut op = outer.clone();
            op.weight = Tensor::new(outer.weight.shape.clone(), weight.collect());
            Some(op.into())
        }
        (Op::Scale(scale), Op::Conv2d(inner)) if between == to => scaled_outputs(inner, &scale.scale),
        (Op::Conv2d(outer), Op::Scale(scale)) if from == between => scaled_inputs(outer, &scale.scale),
        (Op::Conv2d(outer), Op::Pool(pool)) => {
            let mut op = outer.clone();
            op.weight = outer.weight.map(|weight| (f64::from(weight) * share_of(pool)) as f32);
            // Windows of windows are windows.
            op.pool = outer.pool.iter().zip(&pool.window).map(|(inner, outer)| inner * outer).collect();
            Some(op.into())
        }
        (Op::Pool(outer), Op::Pool(inner)) => {
            compose(&pool_to_convolution(outer, between)?, &Op::Pool(inner.clone()), [from, between, to])
        }
        (Op::Scale(_), Op::Pool(pool)) => compose(outer, &pool_to_convolution(pool, from)?, [from, between, to]),
        (Op::Pool(pool), Op::Scale(_) | Op::Conv2d(_)) => {
            compose(&pool_to_convolution(pool, between)?, inner, [from, between, to])
        }
        (Op::Conv2d(outer), Op::Conv2d(inner)) => convolutions(outer, inner, from, between),
        _ => None,
    }
}

/// What one element of a window counts.
pub fn share_of(pool: &Pool) -> f64 {
    if pool.mean { 1.0 / pool.window.iter().product::<i64>() as f64 } else { 1.0 }
}

/// A pool on a map as a convolution of each channel by itself, with one tap.
pub fn pool_to_convolution(pool: &Pool, input: &[usize]) -> Option<Op> {
    let channels = map_of(input)?[0];
    let op = Conv2d {
        weight: Tensor::splat(vec![channels, 1, 1, 1], share_of(pool) as f32),
        bias: None,
        pool: pool.window.clone(),
        stride: vec![1, 1],
        padding: vec![0, 0],
        dilation: vec![1, 1],
        groups: channels as i64,
    };
    Some(op.into())
}

fn times(bias: &Tensor<f64>, scale: &Tensor<f32>) -> Tensor<f64> {
    let values = bias.iter().zip(scale.iter()).map(|(bias, scale)| bias * f64::from(scale)).collect();
    Tensor::new(bias.shape.clone(), values)
}

/// One factor per channel, where all elements of a channel have the same.
fn per_channel(scale: &Tensor<f32>, channels: usize) -> Option<Vec<f32>> {
    let places = scale.len() / channels.max(1);
    let factors: Vec<f32> = (0..channels).map(|channel| scale.at(channel * places)).collect();
    (0..scale.len()).all(|at| scale.at(at) == factors[at / places.max(1)]).then_some(factors)
}

/// A convolution whose outputs are scaled, channel by channel.
fn scaled_outputs(inner: &Conv2d, scale: &Tensor<f32>) -> Option<Op> {
    let channels = per_channel(scale, inner.weight.shape[0])?;
    let taps = inner.weight.len() / channels.len().max(1);
    let weight = inner.weight.iter().enumerate().map(|(at, weight)| weight * channels[at / taps]);
    let mut op = inner.clone();
    op.weight = Tensor::new(inner.weight.shape.clone(), weight.collect());
    op.bias = inner.bias.as_ref().map(|bias| {
        let places = scale.len() / bias.len().max(1);
        let values = bias.iter().enumerate().map(|(at, value)| value * f64::from(scale.at(at * places)));
        Tensor::new(vec![bias.len()], values.collect())
    });
    Some(op.into())
}

/// A convolution whose inputs are scaled, channel by channel.
fn scaled_inputs(outer: &Conv2d, scale: &Tensor<f32>) -> Option<Op> {
    let inputs = outer.weight.shape[1] * outer.groups as usize;
    let channels = per_channel(scale, inputs)?;
    let taps: usize = outer.weight.shape[2..].iter().product();
    let per_output = outer.weight.shape[1] * taps;
    let outputs = outer.weight.shape[0] / outer.groups as usize;
    let weight = outer.weight.iter().enumerate().map(|(at, weight)| {
        let (output, within) = (at / per_output, at % per_output / taps);
        weight * channels[output / outputs * outer.weight.shape[1] + within]
    });
    let mut op = outer.clone();
    op.weight = Tensor::new(outer.weight.shape.clone(), weight.collect());
    Some(op.into())
}

/// Two convolutions as one. The outer one must not see zeros around the inner one's output, which its composition would
/// not see as zeros, unless the inner one has a single tap on every place.
fn convolutions(outer: &Conv2d, inner: &Conv2d, from: &[usize], between: &[usize]) -> Option<Op> {
    let (first, second) = (inner.geometry(from)?, outer.geometry(between)?);
    let is_padded = second.padding != [0, 0] || second.behind != [0, 0];
    let is_pointwise = first.kernel == [1, 1] && first.stride == [1, 1] && first.padding == [0, 0];
    let is_pointwise = is_pointwise && first.behind == [0, 0] && inner.bias.is_none();
    if second.pool != [1, 1] || is_padded && !is_pointwise {
        return None;
    }
    // Each output channel of one group must reach the input channels of one group.
    let is_depthwise = |of: &Geometry| of.groups == of.input[0] && of.channels == of.input[0];
    let groups = match (is_depthwise(&second), is_depthwise(&first)) {
        (true, _) => first.groups,
        (_, true) => second.groups,
        _ => 1,
    };
    let inputs = first.input[0] / groups;
    // Along an axis, taps lie `d1 k1 + s1 d2 k2` apart from the first.
    let reach = [0, 1].map(|axis| {
        first.dilation[axis] * (first.kernel[axis] - 1)
            + first.stride[axis] * second.dilation[axis] * (second.kernel[axis] - 1)
    });
    let dilation = [0, 1].map(|axis| match (first.kernel[axis], second.kernel[axis]) {
        (1, 1) => 1,
        (1, _) => first.stride[axis] * second.dilation[axis],
        (_, 1) => first.dilation[axis],
        _ => gcd(first.dilation[axis], first.stride[axis] * second.dilation[axis]),
    });
    let kernel = [0, 1].map(|axis| reach[axis] / dilation[axis] + 1);
    let shape = [second.channels, inputs, kernel[0], kernel[1]];
    let weight = weights_of_both([(inner, &first), (outer, &second)], shape, dilation);
    // Zeros around the input: the inner one's, and what the outer one asks of a pointwise inner one.
    let sides = |own: [usize; 2], of_outer: [usize; 2]| [0, 1].map(|axis| (own[axis] + of_outer[axis]) as i64);
    let (front, behind) = (sides(first.padding, second.padding), sides(first.behind, second.behind));
    let padding = if front == behind { front.to_vec() } else { [front, behind].concat() };
    let op = Conv2d {
        weight: Tensor::new(shape.to_vec(), weight),
        bias: bias(outer, inner, &second)?,
        pool: inner.pool.clone(),
        stride: [0, 1].map(|axis| (first.stride[axis] * second.stride[axis]) as i64).to_vec(),
        padding,
        dilation: dilation.map(|step| step as i64).to_vec(),
        groups: groups as i64,
    };
    Some(op.into())
}

/// The weights of two convolutions as one, of this shape and with this dilation. The inner one comes first.
fn weights_of_both(
    [(inner, first), (outer, second)]: [(&Conv2d, &Geometry); 2],
    [outputs, inputs, rows, columns]: [usize; 4],
    dilation: [usize; 2],
) -> Vec<f32> {
    let mut weight = vec![0.0f64; outputs * inputs * rows * columns];
    for output in 0..outputs {
        let group = output / (second.channels / second.groups);
        let within_second = second.input[0] / second.groups;
        for middle in group * within_second..(group + 1) * within_second {
            let first_group = middle / (first.channels / first.groups);
            let within_first = first.input[0] / first.groups;
            for input in first_group * within_first..(first_group + 1) * within_first {
                let at = (output * inputs + input % inputs) * rows;
                for (b, a) in pairs(second.kernel, first.kernel) {
                    let tap = [0, 1].map(|axis| {
                        let place =
                            first.dilation[axis] * a[axis] + first.stride[axis] * second.dilation[axis] * b[axis];
                        place / dilation[axis]
                    });
                    let w = outer.weight.at(second.weight_index(output, middle % within_second, b));
                    let v = inner.weight.at(first.weight_index(middle, input % within_first, a));
                    weight[(at + tap[0]) * columns + tap[1]] += f64::from(w) * f64::from(v);
                }
            }
        }
    }
    weight.into_iter().map(|weight| weight as f32).collect()
}

/// The outer bias plus what the outer convolution makes of the inner one's, which has one value per channel.
fn bias(outer: &Conv2d, inner: &Conv2d, second: &Geometry) -> Option<Option<Tensor<f64>>> {
    let Some(inner_bias) = &inner.bias else { return Some(outer.bias.clone()) };
    if inner_bias.len() != inner.weight.shape[0] {
        return None;
    }
    let outputs = outer.bias.as_ref().map_or(second.channels, Tensor::len);
    let places = outputs / second.channels.max(1);
    let taps = second.kernel[0] * second.kernel[1];
    let within = second.input[0] / second.groups;
    let carried: Vec<f64> = (0..second.channels)
        .map(|output| {
            let group = output / (second.channels / second.groups);
            let weight = |at: usize| f64::from(outer.weight.at((output * within) * taps + at));
            (0..within * taps).map(|at| weight(at) * inner_bias.at(group * within + at / taps)).sum()
        })
        .collect();
    let own = |at: usize| outer.bias.as_ref().map_or(0.0, |bias| bias.at(at));
    let values = (0..outputs).map(|at| own(at) + carried[at / places.max(1)]).collect();
    Some(Some(Tensor::new(vec![outputs], values)))
}

fn pairs(outer: [usize; 2], inner: [usize; 2]) -> impl Iterator<Item = ([usize; 2], [usize; 2])> {
    let places = |[rows, columns]: [usize; 2]| {
        (0..rows).flat_map(move |row| (0..columns).map(move |column| [row, column])).collect::<Vec<_>>()
    };
    let inner = places(inner);
    places(outer).into_iter().flat_map(move |b| inner.clone().into_iter().map(move |a| (b, a)))
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
