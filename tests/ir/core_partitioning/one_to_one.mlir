// A table of single weights; the delay makes room for a tick's sums more.
qsnn.network @n dt 1.0e-3 options {} {
  %x = qsnn.input "input" limit 1 start 0 : tensor<6xi1>
  %d = qsnn.delay %x by 1 : tensor<6xi1>
  %a = qsnn.scale %d bits 8 {weight = dense<[1, 2, 3, -4, 5, 6]> : tensor<6xi8>} : tensor<6xi1> -> tensor<6xi16>
  %z = qsnn.neuron "z"(%a << 0) start 1 : tensor<6xi16> -> tensor<6xi1>
    membrane decay dense<0> : tensor<6xi64> offset dense<0> : tensor<6xi32>
    fire dense<3> : tensor<6xi32> reset value dense<0> : tensor<6xi32>
    scale dense<1.0> : tensor<6xf64>
  qsnn.output "output"(%z) : tensor<6xi1>
}
