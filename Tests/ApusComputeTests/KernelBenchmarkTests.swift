import ApusCompute
import Testing

struct KernelBenchmarkTests {
  private func benchmark(_ instructionSet: String? = nil) throws -> KernelBenchmark {
    var sizes = KernelBenchmark.Sizes(byteCount: 1 << 20)
    (sizes.columns, sizes.k, sizes.rows, sizes.rowLength) = (100, 512, [1, 16], 1024)
    let compute = try Compute(pool: WorkerPool(threadCount: 2), instructionSet: instructionSet)
    return KernelBenchmark(compute, sizes: sizes)
  }

  @Test(arguments: KernelTable.all) func rooflineIsPositive(table: KernelTable) throws {
    let roofline = try benchmark(table.description).roofline
    for roof in [roofline.read, roofline.multiplyAdd, roofline.int8] {
      #expect(roof.oneThread > 0 && roof.oneThread.isFinite)
      #expect(roof.allThreads > 0 && roof.allThreads.isFinite)
    }
  }

  @Test func everyKernelIsMeasured() throws {
    let cases = try benchmark().cases
    let names = cases.map(\.name)
    #expect(Set(names).count == names.count)
    for name in [
      "gemm_q8_0_r1", "gemm_iq4_xs_r16", "gemm_bf16_r16", "quantize_row", "rms_norm", "swiglu",
      "rope", "attend_f16_d64_decode", "attend_q4_0_d128_prefill",
    ] {
      #expect(names.contains(name))
    }
    for item in cases {
      let result = item.measure()
      #expect(result.name == item.name)
      #expect(result.share > 0 && result.share.isFinite, "\(item.name)")
      #expect(result.value > 0 && result.speedup > 0, "\(item.name)")
    }
  }

  @Test func theRoofThatIsMetFirstBinds() throws {
    let roofline = Roofline(
      read: .init(oneThread: 1e9, allThreads: 2e9),
      multiplyAdd: .init(oneThread: 4e9, allThreads: 8e9),
      int8: .init(oneThread: 16e9, allThreads: 32e9))
    func measure(_ bytes: Double, _ floats: Double, _ int8: Double) -> KernelMeasurement {
      KernelMeasurement(
        name: "x", work: .init(bytes: bytes, floats: floats, int8: int8), seconds: 4, speedup: 1,
        roofline: roofline)
    }
    let reading = measure(4e9, 8e9, 0)
    #expect(reading.bound == .read && reading.value == 1 && reading.share == 0.5)
    let floats = measure(2e9, 16e9, 32e9)
    #expect(floats.bound == .multiplyAdd && floats.value == 4 && floats.share == 0.75)
    let int8 = measure(2e9, 8e9, 64e9)
    #expect(int8.bound == .int8 && int8.value == 16 && int8.share == 0.75)
    // Without a roof of their own, numbers of 16 bits meet that of floats.
    let halves = KernelMeasurement(
      name: "x", work: .init(bytes: 0, halves: 16e9), seconds: 4, speedup: 1, roofline: roofline)
    #expect(halves.bound == .halves && halves.value == 4 && halves.share == 0.5)
  }
}
