import ApusCompute
import ApusCore

/// How keys or values are stored, by the name that `--cache-type-k` and `--cache-type-v` take.
public enum KVFormats {
  public static let catalog = Catalog<KVElement>(
    "KV format",
    [
      ("f16", .f16),
      ("bf16", .bf16),
      ("f32", .f32),
      ("q8_0", .q8_0),
      ("q4_0", .q4_0),
    ])
}
