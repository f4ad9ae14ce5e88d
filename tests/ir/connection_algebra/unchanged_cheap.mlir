// A large matrix and a delayed scale of the same source have nothing in common, and one connection nothing to choose.
snn.network @n dt 1.0e-3 options {level = "2"} {
  %x = snn.input "input" limit 1 : tensor<3xi1>
  %one = snn.linear %x {weight = dense<1.0> : tensor<3x3xf32>} : tensor<3xi1> -> tensor<3xf32>
  %z = snn.neuron "out"(%one) integrator euler : tensor<3xf32> -> tensor<3xi1>
    membrane gain dense<1.0> : tensor<3xf64>
    fire greater dense<1.0> : tensor<3xf64> reset subtract
  snn.output "output"(%z) : tensor<3xi1>
}
