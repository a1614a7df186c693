//! A batch's way through a network, and its gradients' way back.
//!
//! A learner whose batch is in parts, or mostly zeros, does the first layer's products itself:
//! [`Network::first_sums`] and [`Network::forward_rest`], [`Network::backward_rest`] and
//! [`Trace::first_gradient`].

#![expect(clippy::indexing_slicing, reason = "a trace has an entry for each layer of its network")]

use super::{
    Network,
    product::{Matrix, Onto, multiply},
};

/// What a batch became, layer by layer, kept for the way back.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    rows: usize,
    /// What each layer gave.
    outputs: Vec<Vec<f32>>,
    /// The gradient with respect to what each layer gave, then to its sums.
    gradients: Vec<Vec<f32>>,
}

impl Trace {
    /// What the network gave for each row.
    pub fn output(&self) -> &[f32] {
        self.outputs.last().map_or(&[], Vec::as_slice)
    }

    /// Where the gradient of a loss with respect to what the network gave is written before
    /// [`Network::backward`]; it holds what was left there.
    pub fn gradient_mut(&mut self) -> &mut [f32] {
        self.gradients.last_mut().map_or(&mut [], Vec::as_mut_slice)
    }

    /// The gradient with respect to the first layer's sums, after [`Network::backward_rest`].
    pub fn first_gradient(&self) -> &[f32] {
        self.gradients.first().map_or(&[], Vec::as_slice)
    }

    /// The gradient at the outputs beside what the outputs are.
    pub fn gradient_and_output(&mut self) -> (&mut [f32], &[f32]) {
        match (self.gradients.last_mut(), self.outputs.last()) {
            (Some(gradient), Some(output)) => (gradient, output),
            _ => (&mut [], &[]),
        }
    }

    /// How many rows there are.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Leaves out all rows but these, which are named in rising order.
    pub fn keep_rows(&mut self, kept: &[u32]) {
        for buffer in self.outputs.iter_mut().chain(&mut self.gradients) {
            let width = buffer.len() / self.rows.max(1);
            for (to, from) in kept.iter().enumerate() {
                let from = *from as usize * width;
                buffer.copy_within(from..from + width, to * width);
            }
            buffer.truncate(kept.len() * width);
        }
        self.rows = kept.len();
    }

    /// Leaves out the rows behind the first so many.
    pub fn truncate(&mut self, rows: usize) {
        if rows < self.rows {
            for buffer in self.outputs.iter_mut().chain(&mut self.gradients) {
                buffer.truncate(buffer.len() / self.rows * rows);
            }
            self.rows = rows;
        }
    }

    fn resize(&mut self, network: &Network, rows: usize) {
        self.rows = rows;
        for buffers in [&mut self.outputs, &mut self.gradients] {
            buffers.resize_with(network.sizes.len() - 1, Vec::new);
            for (buffer, size) in buffers.iter_mut().zip(network.sizes.iter().skip(1)) {
                buffer.resize(rows * size, 0.0);
            }
        }
    }
}

impl Network {
    /// Takes a batch through the network.
    ///
    /// # Panics
    /// Where the batch is not whole rows of inputs.
    pub fn forward(&self, batch: &[f32], trace: &mut Trace) {
        let rows = batch.len() / self.inputs();
        let batch = Matrix::new(batch, rows, self.inputs());
        let sums = self.first_sums(rows, trace);
        multiply(batch, self.first_weights(), sums, Onto::Nothing);
        self.forward_rest(trace);
    }

    /// Where the caller writes the products of so many rows with
    /// [`first_weights`](Self::first_weights), before [`forward_rest`](Self::forward_rest); it holds
    /// what was left there.
    pub fn first_sums<'a>(&self, rows: usize, trace: &'a mut Trace) -> &'a mut [f32] {
        trace.resize(self, rows);
        trace.outputs.first_mut().map_or(&mut [], Vec::as_mut_slice)
    }

    /// The weights of the first layer, a row for each input.
    pub fn first_weights(&self) -> Matrix<'_> {
        let (inputs, outputs) = (self.sizes[0], self.sizes[1]);
        Matrix::new(&self.parameters[..inputs * outputs], inputs, outputs)
    }

    /// Takes a batch on from the products of the first layer.
    pub fn forward_rest(&self, trace: &mut Trace) {
        for (place, layer) in self.layers().enumerate() {
            let (before, rest) = trace.outputs.split_at_mut(place);
            let sums = &mut rest[0];
            if let Some(inputs) = before.last() {
                let inputs = Matrix::new(inputs, trace.rows, layer.inputs);
                multiply(inputs, layer.matrix(), sums, Onto::Nothing);
            }
            layer.activation.apply(sums, layer.biases);
        }
    }

    /// Takes the gradient that stands in [`Trace::gradient_mut`] back to the parameters and the
    /// inputs, as far as they are wanted; what stood in either is overwritten.
    ///
    /// # Panics
    /// Where the batch is not that of the trace, or a place for gradients has another length than
    /// what they are of.
    pub fn backward(
        &self,
        batch: &[f32],
        trace: &mut Trace,
        mut gradients: Option<&mut [f32]>,
        input_gradient: Option<&mut [f32]>,
    ) {
        self.backward_rest(trace, gradients.as_deref_mut());
        let (inputs, outputs) = (self.sizes[0], self.sizes[1]);
        let sums = Matrix::new(trace.first_gradient(), trace.rows, outputs);
        if let Some(gradients) = gradients {
            let batch = Matrix::new(batch, trace.rows, inputs).transposed();
            multiply(batch, sums, &mut gradients[..inputs * outputs], Onto::Nothing);
        }
        if let Some(input_gradient) = input_gradient {
            multiply(sums, self.first_weights().transposed(), input_gradient, Onto::Nothing);
        }
    }

    /// Takes the gradient back to the sums of the first layer, and to all parameters but that
    /// layer's weights, whose gradients stay as they are.
    ///
    /// # Panics
    /// Where there is not a gradient for each parameter.
    pub fn backward_rest(&self, trace: &mut Trace, mut gradients: Option<&mut [f32]>) {
        if let Some(gradients) = &gradients {
            assert_eq!(gradients.len(), self.parameters.len(), "each parameter has a gradient");
        }
        let mut end = self.parameters.len();
        for place in (0..self.sizes.len() - 1).rev() {
            let (inputs, outputs) = (self.sizes[place], self.sizes[place + 1]);
            let start = end - (inputs + 1) * outputs;
            let activation = if place + 2 == self.sizes.len() { self.output } else { self.hidden };
            let (before, rest) = trace.gradients.split_at_mut(place);
            activation.chain(&trace.outputs[place], &mut rest[0]);
            let sums = Matrix::new(&rest[0], trace.rows, outputs);
            if let Some(gradients) = gradients.as_deref_mut() {
                let (weights, biases) = gradients[start..end].split_at_mut(inputs * outputs);
                sum_rows(&rest[0], biases);
                if place > 0 {
                    let given = Matrix::new(&trace.outputs[place - 1], trace.rows, inputs);
                    multiply(given.transposed(), sums, weights, Onto::Nothing);
                }
            }
            if let Some(before) = before.last_mut() {
                let weights = &self.parameters[start..start + inputs * outputs];
                let weights = Matrix::new(weights, inputs, outputs).transposed();
                multiply(sums, weights, before, Onto::Nothing);
            }
            end = start;
        }
    }
}

/// Adds up the rows.
fn sum_rows(rows: &[f32], sums: &mut [f32]) {
    sums.fill(0.0);
    for row in rows.chunks(sums.len()) {
        sums.iter_mut().zip(row).for_each(|(sum, number)| *sum += number);
    }
}
