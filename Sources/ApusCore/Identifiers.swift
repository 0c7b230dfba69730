/// An index into a model's vocabulary.
public typealias TokenID = Int32

/// Names one sequence for as long as the engine lives; never reused.
public typealias SequenceID = UInt64

/// Names one KV block: the slots of all layers and heads for the same tokens.
public typealias PageID = Int32

/// Names the place of one block in the swap space.
public typealias SwapSlot = Int32
