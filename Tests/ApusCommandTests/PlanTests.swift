import ApusCore
import Testing

/// The embedded model has 8 layers of 2 heads of 64 for keys and values; a page takes 133,120 bytes in f16.
@Suite(.enabled(if: Program.exists, Program.missing))
struct PlanTests {
  private let given = ["plan", "--bandwidth", "10", "--compute", "100", "--memory", "1GiB"]

  private func plan(_ arguments: String...) async throws -> JSONValue {
    let result = try await Program.start(given + arguments + ["--json"]).result()
    #expect(result.status == 0, "\(result.errors)")
    return try JSONValue(parsing: result.output)
  }

  private func close(_ value: JSONValue?, _ expected: Double) -> Bool {
    abs((value?.doubleValue ?? -1) / expected - 1) < 1e-9
  }

  @Test func figuresWorkedOutByHand() async throws {
    let plan = try await plan("-c", "5000", "--users", "3")
    let weights = 15_066_624.0
    #expect(plan["weight_bytes"]?.doubleValue == weights)
    #expect(plan["weight_bytes_per_step"]?.doubleValue == weights)
    let rows = try #require(plan["rows"]?.arrayValue)
    #expect(rows.map { $0["n_ctx"] } == [1024, 4096, 5000])
    let row = rows[0]
    #expect(row["kv_bytes_per_token"] == 4160)
    #expect(row["kv_bytes_per_user"] == 4_259_840)
    #expect(row["users_fit"] == 248)
    #expect(row["users"] == 3)
    // Reading at 10 GB/s takes longer than computing.
    #expect(close(row["tpot_ms"], (weights + 4_259_840) / 1e7))
    #expect(close(row["tpot_users_ms"], (weights + 3 * 4_259_840) / 1e7))
    // 25,165,824 operations in the layers, 3,145,728 in the head, 1,536 for each of 524,800 pairs in 8 layers.
    let work = 1024 * 25_165_824.0 + 3_145_728 + 8 * 524_800 * 1536
    #expect(close(row["ttft_ms"], work / 1e8))
    // Over half the bandwidth.
    #expect(close(row["swap_ms"], 4_259_840 / 5e6))
    // 157 pages.
    #expect(rows[2]["kv_bytes_per_user"] == .integer(157 * 133_120))
  }

  @Test func figuresSayWhereTheyComeFrom() async throws {
    let plan = try await plan("--link", "2", "--compute-share", "0.5")
    #expect(plan["bandwidth"]?["source"] == "given as --bandwidth")
    #expect(plan["compute_int8"]?["source"] == "given as --compute")
    #expect(plan["link"]?["source"] == "given as --link")
    #expect(plan["kv_memory"]?["source"]?.stringValue?.hasPrefix("given as --memory") == true)
    #expect(plan["compute_share"] == 0.5)
    #expect(
      plan["assumptions"]?.arrayValue?.first?.stringValue?.contains("50 % of the compute") == true)
    let measured = try await Program.run("plan", "--bandwidth", "1", "-t", "2", "--json")
    let json = try JSONValue(parsing: measured.output)
    #expect(
      json["compute_int8"]?["source"]?.stringValue?.hasPrefix("measured now with 2 threads") == true
    )
    #expect((json["compute_float"]?["gop_per_s"]?.doubleValue ?? 0) > 0)
    #expect(json["kv_memory"]?["source"]?.stringValue?.hasPrefix("available now") == true)
  }

  @Test func sharesAndFormatsCount() async throws {
    let whole = try await plan()["rows"]?.arrayValue?.first
    let half = try await plan("--bandwidth-share", "0.5")["rows"]?.arrayValue?.first
    let tpot = try #require(whole?["tpot_ms"]?.doubleValue)
    #expect(close(half?["tpot_ms"], 2 * tpot))
    let small = try await plan("--cache-type-k", "q8_0", "--cache-type-v", "q8_0")
    let bytes = try #require(small["rows"]?.arrayValue?.first?["kv_bytes_per_token"]?.intValue)
    #expect((2100..<2400).contains(bytes))
  }

  @Test func theTableMarksUsersWhoDoNotFit() async throws {
    let result = try await Program.start(
      ["plan", "--bandwidth", "10", "--compute", "100", "--kv-memory", "3M", "--users", "2"]
    ).result()
    #expect(result.status == 0, "\(result.errors)")
    let rows = result.output.split(separator: "\n").filter { $0.contains(" ms") }
    #expect(rows.count == 4)
    #expect(rows.allSatisfy { $0.contains(" 2* ") })
    #expect(result.output.contains("* more users than fit"))
    #expect(result.output.contains("bandwidth: 10.0 GB/s (given as --bandwidth)"))
    #expect(result.output.contains("this is assumed, not measured"))
  }
}
