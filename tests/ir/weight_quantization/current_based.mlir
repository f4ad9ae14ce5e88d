snn.network @current_based dt 1.0e-3 options {weight_bits = "16"} {
  %x = snn.input "input" limit 1 : tensor<1xi1>
  %i = snn.linear %x {weight = dense<[[32767.0], [1000.0]]> : tensor<2x1xf32>, bias = dense<[0.0, 2.5]> : tensor<2xf64>}
    : tensor<1xi1> -> tensor<2xf32>
  %z = snn.neuron "neuron"(%i) integrator exponential : tensor<2xf32> -> tensor<2xi1>
    current factor dense<0.18126924692201815> : tensor<2xf64> gain dense<1.0> : tensor<2xf64>
    membrane factor dense<[0.04877057549928599, 0.6321205588285577]> : tensor<2xf64> rest dense<0.0> : tensor<2xf64> gain dense<1.0> : tensor<2xf64>
    fire greater_equal dense<65534.0> : tensor<2xf64> reset value to dense<-100.0> : tensor<2xf64>
  snn.output "output"(%z) : tensor<2xi1>
}
