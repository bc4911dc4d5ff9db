// Every kernel, written once against V, a vector of an instruction set. An ISA file defines its V, includes this inside
// its region, and fills a Kernels with make_kernels<V>. Here is how a step is made of tiles; its parts are files of
// their own.
#include "kernels/beside.inl"
#include "kernels/tiles.inl"

// One row reads several streams of an LSTM at once, and at the beginning of a group waits for lines that no processor
// has foreseen. So the first few of the next group are fetched before the epilogue of this one. Other cells do not gain
// by it; and fma units of half a vector's width have not been measured.
template <class V, class Form, std::size_t panels>
PACKED_RNN_INLINE void fetch_beginnings(const Work& work, std::size_t panel) {
  constexpr std::size_t width = Form::vectors * V::lanes, few = 4;
  const std::size_t next = work.step->backwards ? panel - panels : panel + panels;
  const bool is_last = work.step->backwards ? panel < panels : (next + panels) * Form::units > work.panels->units;
  if (work.halved || is_last) return;
  const std::size_t input_size = work.panels->input_size, stream_size = (input_size + work.panels->hidden_size) * width;
  const float* weights = work.panels->weights + next * Form::streams * stream_size;
  if (work.step->start) weights += input_size * width;
  PACKED_RNN_UNROLL
  for (std::size_t k = 0; k < few; ++k) {
    PACKED_RNN_UNROLL
    for (std::size_t s = 0; s < panels * Form::streams; ++s) {
      PACKED_RNN_UNROLL
      for (std::size_t l = 0; l < width; l += line) fetch<1>(weights + s * stream_size + k * width + l);
    }
  }
}

// One of several streams of a panel; its sums are left to a later epilogue.
template <class V, class Form, std::size_t rows, bool projects>
PACKED_RNN_NOINLINE void stream_of(const Work& work, std::size_t row, std::size_t stream, float* sums) {
  static_assert(!Form::parks);
  tile<V, Form, rows, 1, projects>(work, row, stream, sums, Form::gates * V::lanes, nullptr);
}

// One group of panels.
template <class V, class Form, std::size_t rows, std::size_t streams, bool projects>
PACKED_RNN_INLINE void group_of(const Work& work, std::size_t row, std::size_t panel) {
  constexpr std::size_t panels = Tile<V, Form>::panels(streams), width = Form::vectors * V::lanes;
  alignas(64) float sums[Tile<V, Form>::group_floats];
  alignas(64) float parked[Form::parks ? Tile<V, Form>::group_floats : 1];
  if constexpr (V::may_be_halved && !projects && rows == 1 && Beside<V, Form>::streams <= panels * Form::streams) {
    if (work.step->beside) {
      for (std::size_t stream = 0; stream < panels * Form::streams; stream += Beside<V, Form>::streams) {
        tile_beside<V, Form>(work, panel * Form::streams + stream, work.last_panel * Form::streams,
                             sums + stream * width, parked + (Form::parks ? stream * width : 0));
      }
      return epilogue<V, Form>(work, row, rows, panel, panels, sums, parked);
    }
  }
  for (std::size_t stream = 0; stream < panels * Form::streams; stream += streams) {
    if constexpr (streams < Form::streams && streams == 1) {
      stream_of<V, Form, rows, projects>(work, row, panel * Form::streams + stream, sums + stream * width);
    } else {
      tile<V, Form, rows, streams, projects>(work, row, panel * Form::streams + stream, sums + stream * width,
                                             panels * Form::streams * width, parked);
    }
  }
  if constexpr (V::fetches_beginnings && Form::streams > 1 && rows == 1 && !projects) {
    fetch_beginnings<V, Form, panels>(work, panel);
  }
  if (!projects) epilogue<V, Form>(work, row, rows, panel, panels, sums, parked);
}

// Panels [first, last) for `rows` rows: groups of as many panels as a tile takes streams of; what is left over at the
// end with half as many streams.
template <class V, class Form, std::size_t rows, std::size_t streams, bool projects>
PACKED_RNN_NOINLINE void panels_of(const Work& work, std::size_t row, std::size_t first, std::size_t last) {
  constexpr std::size_t group = Tile<V, Form>::panels(streams);
  const std::size_t groups = (last - first) / group, rest = first + groups * group;
  const bool backwards = work.step->backwards;
  if constexpr (group > 1) {
    if (backwards && rest < last) panels_of<V, Form, rows, streams / 2, projects>(work, row, rest, last);
  }
  for (std::size_t g = 0; g < groups; ++g) {
    group_of<V, Form, rows, streams, projects>(work, row, first + (backwards ? groups - 1 - g : g) * group);
  }
  if constexpr (group > 1) {
    if (!backwards && rest < last) panels_of<V, Form, rows, streams / 2, projects>(work, row, rest, last);
  }
}

// Whether one row is faster with so few streams at once, on units of half a vector's width, for which half as many sums
// are enough. If the closest cache can hold their weights, but not those of all panels, a step that turns round finds
// more of what the one before has read last.
template <class V, class Form, std::size_t streams>
PACKED_RNN_INLINE bool turns_in_closest(const Panels& panels, std::size_t count) {
  constexpr std::size_t closest_bytes = 32 << 10;
  const std::size_t bytes = panels.hidden_size * Form::vectors * V::lanes * sizeof(float);  // of a stream
  return streams * Form::vectors >= enough_sums / 2 && bytes * streams <= closest_bytes &&
         bytes * Form::streams * count > closest_bytes;
}

// From a number of rows to the tile that is made for it.
template <class V, class Form, bool projects, std::size_t most = Tile<V, Form>::max_rows>
PACKED_RNN_INLINE void block(const Work& work, std::size_t row, std::size_t rows, std::size_t first, std::size_t last) {
  if (rows == most) {
    constexpr std::size_t streams = Tile<V, Form>::streams(most);
    if constexpr (V::may_be_halved && most == 1 && !projects) {
      if (work.halved && turns_in_closest<V, Form, streams / 2>(*work.panels, last - first)) {
        return panels_of<V, Form, most, streams / 2, projects>(work, row, first, last);
      }
    }
    panels_of<V, Form, most, streams, projects>(work, row, first, last);
  } else if constexpr (most > 1) {
    block<V, Form, projects, most - 1>(work, row, rows, first, last);
  }
}

template <class V, class Form, bool projects, std::size_t most = Tile<V, Form>::max_rows>
PACKED_RNN_INLINE void stream_block(const Work& work, std::size_t row, std::size_t rows, std::size_t stream,
                                    float* sums) {
  if (rows == most) {
    stream_of<V, Form, most, projects>(work, row, stream, sums);
  } else if constexpr (most > 1) {
    stream_block<V, Form, projects, most - 1>(work, row, rows, stream, sums);
  }
}

// Rows so far apart fall into one set of the closest cache, which on processors with fma units of half a vector's width
// has room for eight lines: more rows would push each other out from one k to the next. With units of the full width
// (Zen 5) it has room for twelve.
constexpr std::size_t set_stride = 4096, most_rows_in_a_set = 8;

inline bool share_a_set(const float* const* rows) {
  return (reinterpret_cast<std::uintptr_t>(rows[1]) - reinterpret_cast<std::uintptr_t>(rows[0])) % set_stride == 0;
}

// How many rows a block of a step has at most.
template <class V, class Form>
PACKED_RNN_INLINE std::size_t most_rows(const Work& work) {
  constexpr std::size_t most = Tile<V, Form>::max_rows;
  if (!work.halved || most <= most_rows_in_a_set || work.step->rows <= most_rows_in_a_set) return most;
  const bool reads_x = !work.step->start, reads_h = !work.projected && work.panels->hidden_size > 0;
  return (reads_x && share_a_set(work.step->input)) || (reads_h && share_a_set(work.step->hidden)) ? most_rows_in_a_set
                                                                                                   : most;
}

// How many of some rows the first of `count` blocks takes. They are of nearly equal size, for a small last one would
// use the weights badly. But where the sums of one stream hardly hide the latency of an fma unless the tile is full, as
// many blocks as can be are full, and the last ones small enough for both streams.
template <class V, class Form>
PACKED_RNN_INLINE std::size_t first_of(std::size_t rows, std::size_t count) {
  using T = Tile<V, Form>;
  constexpr std::size_t few = enough_sums / Form::vectors;
  constexpr bool uneven = Form::streams > 1 && few < T::max_rows && T::streams(few) == 1 && T::streams(few - 1) > 1;
  if (!uneven) return rows / count;
  const std::size_t most = rows - (count - 1) * (few - 1);
  return most < T::max_rows ? most : T::max_rows;
}

// Larger panels are gone through stream by stream: the second-level cache would not hold two of them, the one in use
// and the one that is fetched. Smaller ones would lose a little by it: the sums of up to so many rows wait for the
// epilogue.
constexpr std::size_t most_panel_bytes = 256 << 10, most_waiting_rows = 96;

// One panel for some rows in `count` blocks, which may fetch the next stream.
template <class V, class Form, bool projects>
PACKED_RNN_NOINLINE void panel_by_streams(Work& work, std::size_t first_row, std::size_t rows, std::size_t count,
                                          std::size_t panel, bool fetches) {
  constexpr std::size_t width = Form::vectors * V::lanes, row_stride = Form::gates * V::lanes;
  alignas(64) float sums[projects ? 1 : most_waiting_rows * row_stride];
  const bool backwards = work.step->backwards;
  const auto stream_size = static_cast<std::ptrdiff_t>((work.panels->input_size + work.panels->hidden_size) * width);
  const std::ptrdiff_t next = backwards ? -stream_size : stream_size;
  for (std::size_t i = 0; i < Form::streams; ++i) {
    const std::size_t stream = backwards ? Form::streams - 1 - i : i;
    std::size_t row = 0;
    for (std::size_t b = count; b > 0; --b) {
      const std::size_t size = (rows - row) / b;
      if (fetches) work.ahead = ahead_of<V>(next, count, b - 1);
      stream_block<V, Form, projects>(work, first_row + row, size, panel * Form::streams + stream,
                                      projects ? sums : sums + row * row_stride + stream * width);
      row += size;
    }
  }
  if (!projects) epilogue<V, Form>(work, first_row, rows, panel, 1, sums, nullptr);
}

// Whether a step of some rows is faster if weights of so many bytes are fetched. One of few rows takes them as fast as
// they come, fetched or not, from near caches.
template <class V, class Form>
constexpr bool fetch_pays(const Caches& caches, std::size_t bytes, std::size_t rows) {
  if (V::small_caches) return bytes > 4 << 20 && bytes * rows > 60 << 20;
  const bool few = 4 * rows < 3 * Tile<V, Form>::max_rows;
  return bytes > (few ? caches.near_for_few_rows : caches.near_for_many_rows);
}

// All rows of a step, panel by panel, so that a panel's weights are fetched once for all blocks.
template <class V, class Form, bool projects>
PACKED_RNN_INLINE void blocks(Work work, std::size_t first, std::size_t last) {
  const std::size_t most = most_rows<V, Form>(work);
  const std::size_t rows = work.step->rows, count = (rows + most - 1) / most;
  const bool backwards = work.step->backwards;
  const std::size_t panel_size =
      (work.panels->input_size + work.panels->hidden_size) * Form::streams * Form::vectors * V::lanes;
  const auto next = static_cast<std::ptrdiff_t>(panel_size) * (backwards ? -1 : 1);
  const bool fetches =
      fetch_pays<V, Form>(work.panels->caches, work.panels->units / Form::units * panel_size * sizeof(float), rows);
  if (count == 1) {
    if (fetches) work.ahead = ahead_of<V>(next, 1, 0);
    return block<V, Form, projects>(work, 0, rows, first, last);
  }
  // How many blocks share a turn through the streams; 1: each takes all streams by itself.
  const std::size_t together =
      Form::streams > 1 && panel_size * sizeof(float) > most_panel_bytes ? most_waiting_rows / most : 1;
  for (std::size_t i = 0; i < last - first; ++i) {
    const std::size_t panel = backwards ? last - 1 - i : first + i;
    std::size_t row = 0;
    for (std::size_t b = count, now; b > 0; b -= now) {
      now = b < together ? b : together;
      const std::size_t size = now > 1 ? (rows - row) * now / b : first_of<V, Form>(rows - row, b);
      if (together == 1) {
        if (fetches) work.ahead = ahead_of<V>(next, count, b - 1);
        block<V, Form, projects>(work, row, size, panel, panel + 1);
      } else if constexpr (Form::streams > 1) {
        panel_by_streams<V, Form, projects>(work, row, size, now, panel, fetches);
      }
      row += size;
    }
  }
}

template <class V, class Cell, bool halved>
void step(const Panels& panels, const Step& step, std::size_t first, std::size_t last) {
  using Form = typename Cell::Form;
  Epilogue* epilogue = nullptr;
  if constexpr (Form::shared) epilogue = finish_tile<V, Cell>;
  blocks<V, Form, false>({&panels, &step, epilogue, nullptr, last, {}, step.await != nullptr, halved}, first, last);
}

template <class V, class Form, bool halved>
void project(const Panels& panels, const Projection& projection, std::size_t first, std::size_t last) {
  Step step;
  step.rows = projection.rows;
  step.input = projection.input;
  blocks<V, Form, true>({&panels, &step, nullptr, projection.start, 0, {}, false, halved}, first, last);
}

template <class V, class Cell>
constexpr CellKernels make_cell(bool halved) {
  using Form = typename Cell::Form;
  return {Form::units,
          Form::streams,
          Form::vectors,
          Tile<V, Form>::max_rows,
          halved && V::may_be_halved ? Beside<V, Form>::rows : 0,
          halved ? step<V, Cell, V::may_be_halved> : step<V, Cell, false>,
          halved ? project<V, Form, V::may_be_halved> : project<V, Form, false>};
}

// `halved`: for fma units of half a vector's width, whose steps carry on projections; V::may_be_halved says whether the
// code for that is there.
template <class V>
constexpr Kernels make_kernels(const char* name, const char* isa, bool halved = false) {
  return {name,
          isa,
          V::lanes,
          make_cell<V, Lstm<V>>(halved),
          make_cell<V, Gru<V>>(halved),
          make_cell<V, Single<V, Tanh>>(halved),
          make_cell<V, Single<V, Relu>>(halved),
          make_cell<V, Single<V, Identity>>(halved),
          V::fma_cost};
}
