snn.network @shared dt 1.0e-3 options {weight_scale = "layer"} {
  %x = snn.input "input" limit 1 : tensor<2xi1>
  %i = snn.linear %x {weight = dense<[[1.0, 2.0], [4.0, 8.0]]> : tensor<2x2xf32>, bias = dense<0.5> : tensor<2xf64>}
    : tensor<2xi1> -> tensor<2xf32>
  %a = snn.neuron "a"(%i) integrator euler : tensor<2xf32> -> tensor<2xi1>
    membrane gain dense<1.0> : tensor<2xf64>
    fire greater dense<1.0> : tensor<2xf64> reset subtract
  %b = snn.neuron "b"(%i) integrator euler : tensor<2xf32> -> tensor<2xi1>
    membrane gain dense<[1.0, -1.0]> : tensor<2xf64>
    fire greater dense<1.0> : tensor<2xf64> reset subtract
  snn.output "a_out"(%a) : tensor<2xi1>
  snn.output "b_out"(%b) : tensor<2xi1>
}
