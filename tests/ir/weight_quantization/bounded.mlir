snn.network @bounded dt 1.0e-3 options {} {
  %x = snn.input "input" limit 1 : tensor<1xi1>
  %i = snn.linear %x {weight = dense<[[127.0], [-64.0]]> : tensor<2x1xf32>} : tensor<1xi1> -> tensor<2xf32>
  %z = snn.neuron "neuron"(%i) integrator euler : tensor<2xf32> -> tensor<2xi1>
    membrane factor dense<0.1> : tensor<2xf64> rest dense<0.0> : tensor<2xf64> gain dense<1.0> : tensor<2xf64>
    fire greater dense<254.0> : tensor<2xf64> reset subtract
    bound dense<[-254.0, -127.0]> : tensor<2xf64>
  snn.output "output"(%z) : tensor<2xi1>
}
