"""What the person of make_journal.py writes: an invented life in Berlin, nobody's real one.

She builds stages for a touring theatre; Noor is her daughter, Jonas her sponsor, Frau Vogt her
counsellor, Inés a friend from Valencia, Karim her brother, Teta her grandmother, Yuki a colleague.
"""

MORNING = """Woke before the alarm and stayed in bed listening to the rain.
Coffee on the balcony, hands warm around the cup.
Dreamt I was late for a get-in and nobody had the keys.
Noor climbed in at six with cold feet. Best alarm there is.
Slept like a stone. I forgot what that is like.
Head full of cotton today. Porridge, shower, go.
Guten Morgen, Körper. Wir müssen reden: Rücken.
Ran along the canal, slowly, two swans and one rude goose 🦢
No dream I remember. That is fine with me.
Up at 5:20 for the truck. The city belongs to the bakers at that hour.
Ten minutes of breathing before the phone. It does something.
Mañana tranquila. Toast with tomato like Inés makes it.
Kettle, window, sparrows. Small order of service.
Bin gerädert, aber da.
Lay awake from three to five with the rent in my head.
Yoga video with Noor, who is better at it and says so.
The radio played that song and I turned it off. Then on again. It is only a song.
صباح الخير from Teta by voice message, four minutes long, mostly about chickpeas.
Stretching on the kitchen floor while the pasta water for lunch boils. Life of luxury.
Woke up proud for no reason. Keeping it.
Neighbour's baby and I were both up at {hour}. Solidarity.
{food} for breakfast, standing, like a horse.
The lift is broken again, {n} floors, heart like a drum. A good drum.
Stood under the shower until the boiler protested.
Dreamt of the sea at Valencia, woke with the blinds rattling.
Noor could not find her left shoe. It was in the fridge, we do not know why.
First thought of the day was about bread. That is a compliment to the day.
Rücken besser, Laune mittel, Himmel aus Beton.
Slept {n} hours and argued with the ceiling for the others.
Hoy me cuesta. Still, teeth, socks, door.
Alarm at {hour}, snoozed {n} times. Not proud, not sorry.
Wrote three lines in the paper notebook before anything else.
Nobody needed me before nine. Unheard of.
Knee hurts from the ladder. Put peas on it, then ate the peas.
A pigeon on the sill stared at me the whole time I drank my coffee.
Left early to walk {n} stops instead of riding. Air like cold water.
おはよう on the mirror in lipstick, Noor's handwriting. She asked Yuki how.
Woke up angry from a dream in which nobody did anything.
Bed too warm, world too cold, went anyway.
New sheets. It is the small investments.""".splitlines()

EVENING = """Cooked lentils the way Teta does, with too much cumin on purpose.
Feierabend. Shoes off, feet up, phone in the drawer.
Noor read to ME tonight. A whole chapter about a dragon with asthma.
Watched half a film and fell asleep on the good part.
Quiet evening. A year ago I would have called that boring.
Called nobody, needed nobody, made soup.
Long bath. The neighbours argued about a bicycle again.
Hab die Wäsche gefaltet, sogar die Spannbetttücher. Held des Alltags.
Walked the long way home so as not to pass the Späti on the corner. It costs seven minutes.
Chess with Karim online, he cheats with his eyebrows.
Una noche sin más. Y qué bien.
Did the dishes straight away, which is not like me 🍽️
The show went up without a hitch. Applause is a strange thing to come down from alone.
Wrote three things on the list: warm bread, Jonas's laugh, the light on the Spree.
Sat on the edge of the bed for a long time. Then brushed my teeth anyway.
Noor's tooth fell out at last!! 🦷 Two euros, inflation.
Painted the wardrobe door. My sleeve is green.
Early to bed like an old woman. お疲れ様 as Yuki says.
Rain on the skylight, hot-water bottle, nothing to prove.
تعبت اليوم بس مرتاحة. Tired but at ease.
{food}, a blanket, {n} episodes of the baking show.
Ironed a shirt I will not wear. Meditative.
Ate {food} over the sink and called it dinner.
Read {n} pages before the book hit my face.
Noor refused to sleep until I explained where the moon keeps its other half.
Tried the recipe from Inés, set off the smoke alarm, opened all the windows, laughed.
Kein Handy nach {evening}. Es geht.
Sorted screws by size for an hour. Do not judge, it works.
Came home wired from the show; three rounds round the block until the legs gave in.
Sent Jonas the evening message: still here, still {mood}.
Heard the neighbours laugh through the wall and did not mind.
Candle, tea, the crossword; got stuck on {n} down.
Me duele todo pero la casa huele a pan.
Did not feel like writing. Writing this.
Cleaned the oven at {evening}, which says everything about my state of mind.
Missed the bus, sat on the bench, {n} stars over Kreuzberg.
Hummed while brushing my teeth. Caught myself at it.
Teta on speaker while I cooked, correcting my onions from 3,000 km away.
A heavy sort of evening. Put on the thick socks and waited it out.
Planned tomorrow in five lines so that it does not plan me.""".splitlines()

WORK = """Load-out until two in the morning, the crew was kind.
The new stage manager says "quick question" forty times a day.
Welded the staircase for act two. It holds. I stood on it to be sure.
Someone offered me a line behind the truck. I said no and my voice did not shake.
Budget meeting. Nobody died.
Payslip came. Transferred half to the account Karim holds the card for, as agreed.
The director wants fog. The director always wants fog.
Swapped the Saturday shift so I can make the meeting.
Forgot my lunch, Yuki shared her onigiri and refused thanks.
Everybody went for drinks after the dress rehearsal; I went home with the props fox under my arm.
Cable drums, cable drums, cable drums.
Die Drehbühne hat sich gedreht. Niemand war überraschter als wir.
Got a compliment from the electrician who never talks.
Two people out sick, so we were four for a job of six.
Painted forms to look like stone. Everything in my job is honest pretending.
Fight with the hire company about a broken motor. I stayed polite. Then I ate three croissants.
Training for the new hoist: certificate with my name spelled right.
Quiet day in the workshop, radio, sawdust, the cat.
Tour plan for autumn is out: Tokyo in September. 楽しみ!
Overtime again. I need to say something about the overtime.""".splitlines()

FAMILY = """Noor asked why I go to "the circle". I said: to stay well. She said okay and asked for cereal.
Pick-up went fine, her father and I managed whole sentences.
Teta sent dates and a scarf and a letter I can only read half of.
Karim called about Mama's knee. We laughed more than the knee deserved.
Parents' evening: tiny chairs, big feelings.
Noor has a friend called Matilda now and nothing else exists.
Museum with the dinosaurs, third time. I know the Brachiosaurus personally.
Her father was late by an hour and I did not make a speech.
Made paper lanterns. Glue everywhere, heart too.
Se lo conté a Inés todo, sin adornos. She just listened.
Playground until our fingers were blue.
حبيبتي نور made me a card: a house, a sun, and me with very big hands.
Schwimmkurs! Sie hat den Kopf unter Wasser getan. Ich hab geweint, unauffällig.
Sunday pancakes. The first one is always for the pan.
We missed each other on the phone. I hate those days.
She stayed at her father's, and the flat is loud with nobody in it.
Built a den out of every blanket we own 🏕️
Karim says I sound like myself lately.
She lied about the homework. I know that face, I invented that face.
Watched her sleep a minute too long and was late.""".splitlines()

INNER = """I notice I am counting days again instead of living in them.
Strange how the body remembers a street.
Not every sad afternoon is a sign of something.
I keep thinking about what Frau Vogt said: describe it, don't judge it.
There is a version of tonight where I am bored and that's the worst of it.
I miss the noise sometimes. Not the rest. The noise.
What helps is having something in my hands.
Angry all day at nothing I could name.
It passed. It keeps passing. I should tattoo that somewhere sensible.
The thought "just once would not matter" came by at four, like a bus.
Felt ordinary. I would like to order more of that.
Shame is such a loud neighbour.
Ich will nicht perfekt sein, ich will am Montag noch da sein.
No sé qué siento, pero lo siento aquí, en el pecho.
Money in my pocket and no plan: I know that combination. Bought a plant.
Made the list of what I would say to me from last year. It is mostly "eat".
When I am hungry everything looks like an insult.
I wanted to be asked how I am, and when somebody asked I said "good".
人生山あり谷あり, Yuki wrote on a sticky note. Mountains and valleys.
It was a day with edges.""".splitlines()

SEASON = {
    11: ["Grey since Tuesday. The sky has been switched to energy saving.", "St Martin's lanterns in the street, small fire hazards singing.", "First frost on the handrail.", "Everyone coughs.", "Leaves like wet newspaper."],
    12: ["Christmas markets smell of sugar and trouble; I walk around them.", "Noor's Advent calendar: she opened three doors at once.", "Dark at four.", "Office party season, I have my sentences ready.", "Kerzen, Mandarinen, Vanillekipferl. Das kann ich."],
    1: ["New calendar on the wall, so white it hurts.", "Ice on the canal, somebody wrote a name on it.", "Trees on the pavement, needles in the hallway.", "Everyone is resolved about something.", "Heating broken, wore the hat to bed."],
    2: ["Snow, then mud, then snow.", "Carnival on TV, thankfully far away.", "The flu went through the whole crew.", "A blackbird at six. Too early, friend, but thanks.", "Berlinale people everywhere with their lanyards."],
    3: ["Crocuses by the bus stop, unbelievable colours.", "First coffee outside without a coat.", "Sun at last and everyone looks surprised.", "The clocks change soon and Noor wants to know where the hour goes.", "Ramadan mubarak, Teta. She fasts at eighty-one."],
    4: ["Magnolia in the yard.", "Rain sideways.", "Cherry trees along the old Wall path 🌸", "Hay fever has found me.", "Everything smells of wet soil."],
    5: ["May day: noise, smoke, sausages. I left early.", "Asparagus with everyone, always asparagus.", "Elderflower syrup, eleven bottles.", "The lake is 16 degrees and I am an idiot 🥶", "Long light evenings; harder than the dark ones, somehow."],
    6: ["Heat in the flat like a sleeping dog.", "Linden blossom, the whole street sticky and sweet.", "School summer party, I ran the tombola.", "Thunderstorm at last.", "Open windows, everyone's music."],
    7: ["Holidays begin, Noor has plans for every hour.", "Swam across and back.", "Tomatoes from Frau Kowalski's allotment.", "37 degrees. The tram smells like a tent.", "Ice cream counts as dinner today 🍦"],
    8: ["Shooting stars on the roof with blankets.", "The city is empty and I like it so much.", "Blackberries, scratches, jam.", "Back to school: she is in second grade and very tall.", "Warm rain, we stood in it."],
    9: ["First chestnut in my pocket.", "New season at the theatre, new people, new fog.", "Light like honey.", "Spiders everywhere, Noor names them.", "Plums. So many plums."],
    10: ["Cranes overhead, going south, complaining.", "Soup weather.", "Fog on the Spree, real fog, the director would weep.", "Pumpkins on every doorstep 🎃", "Stormy; the scaffold net sings."],
}

NEW_YORK = """Jet lag: awake at four with the garbage trucks, dark coffee from the cart downstairs.
Karim's wedding rehearsal. Everybody cried, including the caterer.
Walked the bridge both ways because once was not enough 🌉
Found a meeting on West 12th, a room full of strangers who laughed at exactly the right things.
The hotel minibar is locked, I asked them to. The clerk just nodded.
Bagel the size of my face.
Family table, everyone toasting. Sparkling water in a tall glass, nobody asked.
It is loud here in a way that makes me quiet.
Video with Noor at an impossible hour for one of us.
Old friend from before wanted to "catch up". I said I fly tomorrow. I flew in three days.""".splitlines()

TOKYO = """Load-in in Tokyo: forty people bowing to a truck ramp. ありがとうございます
Convenience store rice balls at midnight, こんばんは to everyone.
Everything works. I do not trust it yet.
Online meeting at a ridiculous hour from the hotel bathroom so as not to wake Yuki's snoring colleague.
Typhoon warning, show cancelled, we folded paper cranes with the ushers.
Yuki took us to her mother's. 美味しい is the only word I had, I used it eleven times.
The trains, the quiet, the little songs at each station.
Crew drinks every night here, very politely. I hold oolong tea and it is fine, mostly.
Bought Noor a pencil case shaped like a shrimp 🍤
So far from every street I know. There is rest in that.""".splitlines()

THOUGHTS = """I have earned it.
Nobody would know.
I could just be near it, not take it.
It would make the cleaning-up go faster.
One evening off from being careful.
Everyone else gets to.
If I sleep now it will be gone in the morning.
It's not even that I want it, I want the walk there.
Ich könnte ja nur mal schreiben, ob er noch die Nummer hat.
Me lo merezco, no?
What is the point of feeling this bad sober.
I'm fine now, I could probably manage it.
The night is too long for one person.
Then at least I would have a reason to feel like this.
Go home. Go home. Go home.""".splitlines()

SETTINGS = ["at home, kitchen", "behind the theatre", "on the U8", "at the get-out, loading dock", "walking past the corner Späti", "staff toilet", "in bed", "Karim's sofa", "a birthday in Neukölln", "supermarket queue", "on the night bus", "dressing-room corridor", "balcony", "at the cash machine", "by the canal"]
TRIGGERS = ["payday", "tired after a shift", "argument", "being alone", "seeing an old contact", "party", "praise", "boredom", "loud music", "a certain street", "a message from D.", "hungry", "stress at work", "Friday", "the smell of the club", "feeling great"]
COPING = ["called Jonas", "walked it off", "urge surfing, 20 minutes", "cold shower", "ate something", "left the room", "breathing 4-7-8", "texted Inés", "went to bed", "counted tiles", "played the tape forward", "gave Karim the card", "drew with Noor's crayons"]
SIGNS = ["sleeping badly", "skipping meals", "not answering messages", "irritable", "glorifying the old days", "missing meetings", "long scrolling at night", "keeping secrets", "working too much", "bored of everything"]
REACHED = """Talked for {n} minutes, mostly about cats.
Said the thing out loud and it shrank.
{who} called back within the hour.
We walked round the block on the phone, each round our own.
{who} asked what I had eaten. Nothing. So I ate {food}.
{who} reminded me of the plan, page two, the card thing.
Wollte eigentlich absagen, hab dann doch angerufen.
Nos reímos. Falta me hacía.
Heard about {who}'s own first year again. I needed to hear it again.
Short and practical: which bus, which room, what time.
Cried a bit. {who} waited.
We said nothing for a whole minute, and that was the useful part.
{who} laughed at my list. Fair.
Told {who} about the {n} minutes on the bridge. No advice, thank you, exactly that.
{who} is having a hard week too. For once I was the one who listened.
Checked in because I said I would. It is a muscle.
Arranged to meet on Sunday, {food} included.
Ten seconds in, {who} said: you sound tired. Yes.
Wir haben über Fußball geredet. {n} zu null. Tat gut.
Told {who} the truth about the weekend; the phone did not explode.
طمّنت قلبي. A calmer heart afterwards.
I complained for {n} minutes straight and {who} kept score.""".splitlines()
NOT_REACHED = """Did not pick up; will try again at {evening}.
I left a real message, not "all good".
Wrote: not urgent, but soon. Then went for a walk.
Rang {n} times. Then I rang somebody else, as the plan says.
Just a heart from me for now ❤️
Mailbox voll. Immerhin versucht.""".splitlines()
MEETING_NOTES = """Sat near the door, stayed to the end.
A newcomer shook so hard that three people held her tea.
Topic was resentment. I had material.
Made the coffee tonight. Too strong, they said. Good, I said.
Shared for the first time in weeks.
Small round, {n} people, honest.
Somebody's story was mine with other street names.
We went through the warning signs and I found {n} of mine.
I was there. Some days that is the whole sentence.
Talked about money and how to make it boring.
Hab zugehört. Das reicht manchmal.
Chair fell apart under Rolf. Healing laughter.
Read the page about patience. I was impatient throughout.
Somebody brought {food}. Attendance was excellent.
{n} minutes late because of the tram, and they had kept the chair.
Drew the wave again: up, over, down. I know it by heart and it helps every time.
A man of seventy said he still writes his list on paper. Me too, said half the room.
Didn't want to go, went, glad. The usual order.
Hand up today: said the word "lonely" in front of people.
Quiet one. Someone hummed at the end and nobody stopped them.
Otra vez la silla de al lado de la ventana. Mi silla.
We argued about forgiveness until {evening} and nobody won.
Took the new one's number. Gave mine.
Someone marked {n} years. The cake had structural problems.""".splitlines()
SLOTS = {
    "n": "two three four five six seven nine eleven".split(),
    "hour": ["4:40", "five", "5:15", "half past five", "ten to six"],
    "evening": ["nine", "half past nine", "ten", "21:00", "eleven"],
    "food": ["cold pizza", "lentils", "rice and egg", "toast", "Linsensuppe", "tortilla", "hummus with a spoon", "Milchreis", "noodles", "plum cake", "labneh", "soup from a packet"],
    "mood": ["tired", "stubborn", "fine", "grumpy", "hopeful", "upright", "hungry"],
}
INNER += """Three good minutes in a row; I counted.
The bank app and I are on speaking terms again.
Patience of a toaster today.
There is a difference between resting and hiding. Today it was resting, mostly.
Somebody on the tram cried and I wanted to say: me too, last {mood} week.
I forgave the printer. It is a start.
Wanted to cancel everything, cancelled nothing.
Half of courage is shoes.
I catch myself planning a conversation that will never happen.
Nobody tells you how much time there is.
Laughing is back. It comes and goes like a cat.
The body says no before the head has read the question.
Weniger Drama, mehr Schlaf. Auf ein Schild damit.
A good day frightens me a little. Writing that down so it gets smaller.
Todo pasa, hasta lo bueno. So look at it while it is there.
Envy, plain and green, of people who can have one beer.
I told the truth {n} times today when a small lie was easier.
Nothing happened. I am learning to like that sentence.
Old photos. I look so thin and so sure.
My hands remembered how to rest.""".splitlines()
WORK += """Hung the big drape: {n} people, one ladder, no swearing. Almost none.
Tech rehearsal number {n}. The moon fell down. We put it back.
Lunch with Yuki on the fire stairs, {food} for two.
Intern asked how long I have done this. I said: since before you could walk, and felt it.
Late call, early call, and a nap on the stage carpet.
Measured twice, cut once, wrong anyway.
Farewell do for Manni. I gave the speech with lemonade, it still worked.
The trap door sticks at {n} degrees of damp, like all of us.
Ordered timber and argued about the price of timber with a man made of timber.
Premiere. Flowers, cheeks, noise; I went out by the back at half past ten.""".splitlines()
FAMILY += """Noor wants a tortoise. We negotiated down to a book about tortoises.
She drew our family tree and there is an actual tree and I am a branch with a hat.
Nurse called: fever, pick-up, sofa, {food}.
Her father and I agreed on the holidays in {n} messages. Record.
Karim and I sang on the phone like twelve-year-olds.
Teta fell, nothing broken, and laughed at our faces on the screen.
Noor asked whether I was ever little. I showed her the photo with the goat.
Swimming badge! Seahorse! 🏊 Photographed from {n} angles.
First sleepover. The flat ticked all night.
She learned to whistle. I may never know silence again.""".splitlines()
