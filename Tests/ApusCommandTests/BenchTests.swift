import ApusCore
import Testing

@Suite(.enabled(if: Program.exists, Program.missing))
struct BenchTests {
  @Test func benchPrintsRows() async throws {
    let result = try await Program.run(
      "bench", "throughput", "-p", "16,8", "-n", "4", "-d", "0,40", "-r", "2", "-t", "2", "--json")
    let json = try JSONValue(parsing: result.output)
    let rows = try #require(json.arrayValue)
    #expect(result.status == 0)
    #expect(
      rows.map { $0["test"]?.stringValue } == [
        "pp16", "pp8", "tg4", "pp16@d40", "pp8@d40", "tg4@d40",
      ])
    for row in rows {
      let samples = row["samples_ts"]?.arrayValue?.compactMap(\.doubleValue) ?? []
      let mean = samples.reduce(0, +) / 2
      #expect(samples.count == 2)
      #expect(abs((row["avg_ts"]?.doubleValue ?? 0) - mean) < 0.01)
      #expect(mean > 0)
      #expect(row["stddev_ts"] != nil)
      #expect(row["n_threads"] == 2)
      #expect((row["load_ns"]?.intValue ?? 0) > 0)
    }
    #expect(rows.last?["n_depth"] == 40)
    #expect(rows.last?["n_gen"] == 4)
    #expect(rows.last?["n_prompt"] == 0)
  }

  @Test func rowsTellWhatWasKept() async throws {
    let result = try await Program.run(
      "bench", "throughput", "-p", "0", "-n", "4", "-d", "40,400", "-r", "1", "-t", "2",
      "--kv-policy", "window:budget=64", "--json")
    #expect(result.status == 0, "\(result.errors)")
    let rows = try #require(try JSONValue(parsing: result.output).arrayValue)
    #expect(rows.map { $0["methods"] } == [nil, ["kv-policy:window:budget=64"]])
    #expect(rows.map { $0["kv"] == nil } == [true, false])
    #expect((64...96).contains(rows[1]["kv"]?["kept_tokens"]?.doubleValue ?? 0))
  }

  @Test func batchesCountTheTokensOfAllSequences() async throws {
    let result = try await Program.run(
      "bench", "throughput", "-p", "8", "-n", "4", "-d", "0,40", "--batch", "1,3", "-r", "2", "-t",
      "2", "--json")
    #expect(result.status == 0, "\(result.errors)")
    let rows = try #require(try JSONValue(parsing: result.output).arrayValue)
    #expect(
      rows.map { $0["test"]?.stringValue } == [
        "pp8", "tg4", "tg4x3", "pp8@d40", "tg4@d40", "tg4x3@d40",
      ])
    #expect(rows.map { $0["n_batch_size"] } == [1, 1, 3, 1, 1, 3])
    for row in rows {
      let tokens = (row["n_gen"] == 4 ? 4.0 : 8.0) * (row["n_batch_size"]?.doubleValue ?? 0)
      let times = row["samples_ns"]?.arrayValue?.compactMap(\.doubleValue) ?? []
      let rates = row["samples_ts"]?.arrayValue?.compactMap(\.doubleValue) ?? []
      for (time, rate) in zip(times, rates) {
        #expect(abs(rate * time / 1e9 - tokens) < 0.01 * tokens)
      }
    }
  }

  @Test func batchesThatDoNotFitFail() async throws {
    let result = try await Program.run(
      "bench", "throughput", "-p", "0", "-n", "64", "-d", "256", "--batch", "8", "-r", "1", "-t",
      "2", "--kv-memory", "3MiB")
    #expect(result.status == 1)
    #expect(result.error?.contains("--kv-memory") == true, "\(result.errors)")
  }

  @Test func kernelsAreComparedWithTheRoofline() async throws {
    let result = try await Program.run(
      "bench", "kernels", "--filter", "rms_norm", "-t", "2", "--json")
    #expect(result.status == 0, "\(result.errors)")
    let rows = try #require(try JSONValue(parsing: result.output).arrayValue)
    // Only some processors multiply numbers of 16 bits.
    let names = rows.compactMap { $0["name"]?.stringValue }.filter { !$0.contains("16bit") }
    #expect(
      names == [
        "roof_read_1t", "roof_read", "roof_fma_1t", "roof_fma", "roof_int8_1t", "roof_int8",
        "rms_norm",
      ])
    for row in rows {
      #expect((row["value"]?.doubleValue ?? 0) > 0)
      #expect((row["share"]?.doubleValue ?? 0) > 0)
      #expect(row["unit"]?.stringValue?.isEmpty == false)
    }
    #expect(rows.last?["bound"]?.stringValue?.hasPrefix("roof_") == true)
  }
}
