// Of four connections from one source, a matrix that is zero, two equal ones and a diagonal, one scale is left.
snn.network @n dt 1.0e-3 options {level = "2"} {
  %x = snn.input "input" limit 1 : tensor<8xi1>
  %zero = snn.linear %x {weight = dense<0.0> : tensor<8x8xf32>} : tensor<8xi1> -> tensor<8xf32>
  %one = snn.scale %x {scale = dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]> : tensor<8xf32>} : tensor<8xi1> -> tensor<8xf32>
  %two = snn.scale %x {scale = dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]> : tensor<8xf32>} : tensor<8xi1> -> tensor<8xf32>
  %diagonal = snn.linear %x {weight = dense<[
    [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
    [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
    [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0],
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]]> : tensor<8x8xf32>}
    : tensor<8xi1> -> tensor<8xf32>
  %a = snn.add %zero, %one, %two, %diagonal : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32> -> tensor<8xf32>
  %z = snn.neuron "out"(%a) integrator euler : tensor<8xf32> -> tensor<8xi1>
    membrane gain dense<1.0> : tensor<8xf64>
    fire greater dense<1.0> : tensor<8xf64> reset subtract
  snn.output "output"(%z) : tensor<8xi1>
}
