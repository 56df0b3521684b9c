#include "eval/words.h"

#include <array>

namespace weir::eval {
namespace {

using View = std::string_view;

constexpr auto kCommon = std::to_array<View>(
    {"apple",    "arrow",    "atlas",   "badge",  "ball",   "banana",  "band",     "bank",
     "barrel",   "basket",   "battery", "beach",  "bean",   "bear",    "bell",     "belt",
     "bird",     "blade",    "blanket", "block",  "blood",  "board",   "bomb",     "bone",
     "bottle",   "bowl",     "brain",   "branch", "brick",  "brush",   "bubble",   "bucket",
     "bullet",   "butter",   "button",  "cable",  "cake",   "camera",  "candle",   "carbon",
     "card",     "carpet",   "castle",  "cat",    "chain",  "chair",   "cheese",   "cherry",
     "chicken",  "circle",   "cloud",   "coal",   "coffee", "coin",    "copper",   "coral",
     "corn",     "cotton",   "cow",     "cream",  "crown",  "crystal", "cube",     "cup",
     "desert",   "desk",     "diamond", "dog",    "doll",   "dragon",  "dream",    "dress",
     "drum",     "duck",     "dust",    "eagle",  "ear",    "egg",     "elephant", "engine",
     "eye",      "feather",  "fiber",   "finger", "fish",   "flag",    "flame",    "flower",
     "foot",     "forest",   "fork",    "fox",    "frame",  "frog",    "fruit",    "gas",
     "ghost",    "glass",    "globe",   "gold",   "grain",  "grass",   "guitar",   "gun",
     "hair",     "hammer",   "hand",    "hat",    "heart",  "honey",   "horn",     "horse",
     "ice",      "ink",      "iron",    "island", "jacket", "jet",     "juice",    "key",
     "king",     "knee",     "knife",   "lake",   "lamp",   "leaf",    "leather",  "leg",
     "lemon",    "lion",     "lip",     "liquid", "lock",   "magnet",  "map",      "mask",
     "meat",     "metal",    "milk",    "mirror", "monkey", "moon",    "mountain", "mouse",
     "mouth",    "mud",      "muscle",  "museum", "neck",   "needle",  "nest",     "net",
     "nose",     "nut",      "ocean",   "oil",    "onion",  "orange",  "organ",    "oxygen",
     "paint",    "palace",   "palm",    "paper",  "pearl",  "pen",     "pencil",   "pepper",
     "phone",    "piano",    "pig",     "pin",    "pipe",   "planet",  "plate",    "pocket",
     "poison",   "pole",     "potato",  "powder", "prison", "pump",    "puzzle",   "queen",
     "rabbit",   "radio",    "rail",    "rat",    "ribbon", "rice",    "ring",     "rocket",
     "roof",     "root",     "rope",    "rose",   "rubber", "salt",    "sand",     "satellite",
     "scissors", "screen",   "seed",    "shadow", "shark",  "sheep",   "shell",    "shield",
     "shirt",    "shoe",     "silk",    "silver", "skin",   "skull",   "sky",      "smoke",
     "snake",    "snow",     "soap",    "soil",   "soup",   "spider",  "sponge",   "spoon",
     "square",   "star",     "statue",  "steel",  "stone",  "storm",   "sugar",    "sun",
     "sword",    "tail",     "tank",    "tea",    "temple", "tent",    "thread",   "tiger",
     "tire",     "tissue",   "tobacco", "tongue", "tooth",  "tower",   "toy",      "train",
     "tree",     "triangle", "truck",   "tube",   "tunnel", "turtle",  "vein",     "violin",
     "virus",    "volcano",  "wallet",  "wax",    "wheat",  "wheel",   "whale",    "wine",
     "wing",     "wire",     "wolf",    "wood",   "wool",   "worm",    "yarn",     "zero"});

constexpr auto kPeople =
    std::to_array<View>({"Anna", "Ben", "Clara", "David", "Emma", "Frank", "Grace", "Henry",
                         "Irene", "Jack", "Karen", "Louis", "Maria", "Nora", "Oscar", "Paula"});
constexpr auto kActs = std::to_array<View>(
    {"waited for a friend", "talked about the weather", "wrote a long letter", "met two strangers",
     "asked for directions", "counted the visitors", "read the morning news",
     "argued about the price", "planned a journey", "remembered an old song",
     "looked for the entrance", "repaired a broken window", "listened to a speech",
     "explained the rules of the game", "drew a picture of the street", "paid for the tickets"});
constexpr auto kPlaces = std::to_array<View>(
    {"at the station", "in the library", "near the bridge", "behind the school", "at the market",
     "in the garden", "beside the river", "on the hill", "at the harbour", "in the kitchen",
     "outside the theatre", "in a quiet village"});
constexpr auto kTimes =
    std::to_array<View>({"In the morning", "Before noon", "On Monday", "Later that week",
                         "After the concert", "Every evening", "Last winter",
                         "At the end of the day", "During the holidays", "A year before"});
constexpr auto kEnds = std::to_array<View>(
    {"nobody noticed", "it took longer than expected", "the others agreed",
     "that was not the first time", "there was enough time", "everybody went home",
     "the answer came much later", "the matter was settled"});

template <size_t n>
View one(Draw& draw, const std::array<View, n>& of) {
  return of[draw.below(n)];
}

}  // namespace

std::span<const View> common_words() {
  return kCommon;
}

Words take_words(Draw& draw, const Words& from, size_t count) {
  Words out = from;
  draw.shuffle(out);
  out.resize(count);
  return out;
}

std::string story_sentence(Draw& draw) {
  std::string out(one(draw, kTimes));
  for (View part : {View(" "), one(draw, kPeople), View(" "), one(draw, kActs), View(" "),
                    one(draw, kPlaces), View(", and "), one(draw, kEnds), View(".")})
    out += part;
  return out;
}

}  // namespace weir::eval
