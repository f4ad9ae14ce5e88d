module {
  s2k.program @self_loop target "spinnaker2" dt 1.000000e-03 options {} {
    s2k.host_input "input" shape [2] limit 1 key 0 mask 4294967294
    s2k.host_output "output" from "neuron" shape [2] start 1
    s2k.pe @pe0 at [0, 3, 3, 0] {
      s2k.buffer @weights0 weights bytes 8 = dense<[[1, 3], [2, 4]]> : tensor<2x2xi8>
      s2k.buffer @weights1 weights bytes 8 = dense<[[5, 7], [6, 8]]> : tensor<2x2xi8>
      s2k.buffer @accumulators state bytes 8
      s2k.buffer @membranes state bytes 16
      s2k.buffer @decay parameters bytes 16 = dense<[-429496730, 1000]> : tensor<2xi32>
      s2k.buffer @threshold parameters bytes 16 = dense<[5, 6]> : tensor<2xi32>
      s2k.rows @weights0 row 0 length 4 bits 8 from "input" count 2 into @accumulators width 16 slot 0
      s2k.rows @weights1 row 0 length 4 bits 8 from "neuron" count 2 into @accumulators width 16 slot 0
      s2k.update "neuron" of "neuron" from 0 count 2 start 1 key 2 mask 4294967294 membrane mixed reset subtract parameters {decay = @decay, reset_by = 6 : i64, threshold = @threshold} {accumulators = @accumulators, membranes = @membranes, scale = dense<2.000000e+00> : tensor<2xf64>, shift = 10 : i64, slots = 1 : i64, width = 16 : i64}
    }
  }
}
