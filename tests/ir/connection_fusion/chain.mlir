// A scale, a sum and two connections in a row become one matrix per source; a delay moves in front.
snn.network @n dt 1.0e-3 options {} {
  %x = snn.input "input" limit 1 : tensor<2xi1>
  %a = snn.scale %x {scale = dense<[2.0, 3.0]> : tensor<2xf32>} : tensor<2xi1> -> tensor<2xf32>
  %b = snn.linear %x {weight = dense<[[1.0, 0.0], [0.0, 1.0]]> : tensor<2x2xf32>, bias = dense<[0.5, 0.0]> : tensor<2xf64>}
    : tensor<2xi1> -> tensor<2xf32>
  %c = snn.add %a, %b : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
  %d = snn.delay %c by 2 : tensor<2xf32>
  %e = snn.linear %d {weight = dense<[[1.0, 10.0]]> : tensor<1x2xf32>} : tensor<2xf32> -> tensor<1xf32>
  %z = snn.neuron "out"(%e) integrator euler : tensor<1xf32> -> tensor<1xi1>
    membrane gain dense<1.0> : tensor<1xf64>
    fire greater dense<1.0> : tensor<1xf64> reset subtract
  snn.output "output"(%z) : tensor<1xi1>
}
