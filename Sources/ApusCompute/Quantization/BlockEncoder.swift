import CApusKernels

/// The work space of one thread's encoding.
///
/// The encoders reproduce ggml's reference quantisers (`ggml-quants.c`, without importance matrix) byte for byte: the
/// same formulas, evaluated in the same order. They never trap, whatever the numbers; NaN and infinity give defined
/// but meaningless blocks, so callers refuse them first.
struct BlockEncoder: ~Copyable {
  /// The levels of one super-block, then those of a trial.
  let levels: UnsafeMutablePointer<Int32>
  let trial: UnsafeMutablePointer<Int32>
  let weights: UnsafeMutablePointer<Float>

  init() {
    levels = .allocate(capacity: 256)
    trial = .allocate(capacity: 32)
    weights = .allocate(capacity: 32)
    levels.initialize(repeating: 0, count: 256)
    trial.initialize(repeating: 0, count: 32)
    weights.initialize(repeating: 0, count: 32)
  }

  deinit {
    levels.deallocate()
    trial.deallocate()
    weights.deallocate()
  }

  /// Encodes `count` numbers, a whole number of blocks.
  func encode(
    _ type: TensorType, _ source: UnsafePointer<Float>,
    into destination: UnsafeMutablePointer<UInt8>, count: Int
  ) {
    precondition(count % type.blockSize == 0, "\(count) numbers are no whole number of blocks")
    let (numbers, bytes) = (type.blockSize, type.blockByteCount)
    for block in 0..<count / numbers {
      encodeBlock(type, source + block * numbers, destination + block * bytes)
    }
  }

  private func encodeBlock(
    _ type: TensorType, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<UInt8>
  ) {
    switch type {
    case .f32: store(x[0].bitPattern, y)
    case .f16: store(apus_half_from_float(x[0]), y)
    case .bf16: store(bfloat16(x[0]), y)
    case .q4_0: encodeQ40(x, y)
    case .q4_1: encodeQ41(x, y)
    case .q5_0: encodeQ50(x, y)
    case .q5_1: encodeQ51(x, y)
    case .q8_0: encodeQ80(x, y)
    case .iq4_nl: encodeIQ4NL(x, y)
    case .q2_K: encodeQ2K(x, y)
    case .q3_K: encodeQ3K(x, y)
    case .q4_K: encodeQ4K(x, y)
    case .q5_K: encodeQ5K(x, y)
    case .q6_K: encodeQ6K(x, y)
    case .q8_K, .iq4_xs: preconditionFailure("\(type.name) has no encoder")
    }
  }
}

extension TensorType {
  /// Whether numbers can be written in this type.
  package var hasEncoder: Bool { self != .q8_K && self != .iq4_xs }
}

func store<T: FixedWidthInteger>(_ value: T, _ y: UnsafeMutablePointer<UInt8>) {
  UnsafeMutableRawPointer(y).storeBytes(of: value.littleEndian, as: T.self)
}

/// Stores a number as binary16 and returns what a reader will see.
@discardableResult
func storeHalf(_ value: Float, _ y: UnsafeMutablePointer<UInt8>) -> Float {
  let half = apus_half_from_float(value)
  store(half, y)
  return apus_float_from_half(half)
}

/// To nearest, ties to even; NaN stays NaN, quiet.
private func bfloat16(_ value: Float) -> UInt16 {
  let bits = value.bitPattern
  if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 64 }
  return UInt16(truncatingIfNeeded: (bits &+ (0x7FFF &+ (bits >> 16 & 1))) >> 16)
}

/// The nearest integer, ties to even, of a number below 2^22 in magnitude; others give some integer.
@inline(__always)
func nearest(_ value: Float) -> Int32 {
  let bits = (value + 12_582_912).bitPattern
  return Int32(bitPattern: bits & 0x007F_FFFF) - 0x0040_0000
}

@inline(__always)
func clamp(_ value: Int32, _ low: Int32, _ high: Int32) -> Int32 { max(low, min(high, value)) }

/// A number without its fraction; 0 for what an Int32 cannot hold.
@inline(__always)
func truncated(_ value: Float) -> Int32 {
  abs(value) < 2_147_483_648 ? Int32(value) : 0
}
